"""The REST API as a program calls it."""

import time
from collections.abc import Callable
from typing import Any

import requests

from hokusai.core.errors import DomainError

TIMEOUT_S = 30.0
WAIT_S = 180.0
PAUSE_S = 0.3


class StoryFailed(DomainError):
    """A step of the story did not hold."""

    code = "story_failed"


class Api:
    """One caller: a program with an API key, or a person with a token."""

    def __init__(self, base_url: str, credential: str = "") -> None:
        self.base_url = base_url.rstrip("/") + "/api/v1/"
        self._session = requests.Session()
        self._session.trust_env = False
        if credential:
            self._session.headers["Authorization"] = f"Bearer {credential}"

    @classmethod
    def logged_in(cls, base_url: str, username: str, password: str) -> "Api":
        """A person who gave a password, as decisions demand."""
        body = {"username": username, "password": password}
        return cls(base_url, cls(base_url).post("auth/token", body)["access"])

    def get(self, path: str, **parameters: Any) -> Any:
        """The body of a GET that must succeed."""
        return _checked(self.call("GET", path, params=parameters)).json()

    def post(self, path: str, body: Any = None) -> Any:
        """The body of a POST that must succeed."""
        return _checked(self.call("POST", path, json=body)).json()

    def send(self, method: str, path: str, body: Any) -> Any:
        """The body of any other call that must succeed."""
        return _checked(self.call(method, path, json=body)).json()

    def upload(self, path: str, content: bytes, filename: str, **fields: str) -> Any:
        """The body of an upload that must succeed."""
        files = {"file": (filename, content)}
        return _checked(self.call("POST", path, data=fields, files=files)).json()

    def call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        """Any call; whatever the answer."""
        return self._session.request(method, self.base_url + path, timeout=TIMEOUT_S, **arguments)

    def first(self, path: str, **parameters: Any) -> Any:
        """The first row of a list; None where it is empty."""
        rows = self.get(path, **parameters)["results"]
        return rows[0] if rows else None

    def wait(self, path: str, until: Callable[[Any], bool], what: str) -> Any:
        """Ask again until it holds. Raises StoryFailed after three minutes."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            body = self.get(path)
            if until(body):
                return body
            time.sleep(PAUSE_S)
        raise StoryFailed(f"Waited {WAIT_S:.0f} s in vain: {what}.", last=body)


def _checked(answer: requests.Response) -> requests.Response:
    if not answer.ok:
        raise StoryFailed(
            f"{answer.request.method} {answer.url} answered {answer.status_code}: "
            f"{answer.text[:500]}"
        )
    return answer
