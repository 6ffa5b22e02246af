"""MLflow's REST interface: one pooled session, JSON by orjson, nothing is repeated."""

import os
from collections.abc import Mapping
from typing import Any

import orjson
import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import RequestException

from hokusai.tracking.base import TrackingNotFound, TrackingRefused, TrackingUnavailable

NOT_FOUND, TOO_MANY, SERVER_ERROR = 404, 429, 500
ABSENT = frozenset({"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"})
CONNECTIONS = 8
MESSAGE_LENGTH = 500


class RestServer:
    """A tracking server by its address. Safe to share between threads."""

    def __init__(self, uri: str, timeout_s: float) -> None:
        self._root = f"{uri.rstrip('/')}/api/2.0/mlflow/"
        self._timeout_s = timeout_s
        self._session = requests.Session()
        self._session.headers.update(_authorization())
        self._session.verify = _verification()
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=CONNECTIONS, max_retries=0)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, adapter)
        if user := os.environ.get("MLFLOW_TRACKING_USERNAME"):
            self._session.auth = (user, os.environ.get("MLFLOW_TRACKING_PASSWORD", ""))

    def get(self, path: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a GET; parameters that are empty are left out."""
        given = {name: value for name, value in parameters.items() if value not in ("", None)}
        return self._ask("GET", path, params=given)

    def send(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a request with a JSON body. Raises as `get`."""
        given = {name: value for name, value in body.items() if value is not None}
        return self._ask(
            method, path, data=orjson.dumps(given), headers={"Content-Type": "application/json"}
        )

    def _ask(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        try:
            answer = self._session.request(
                method, self._root + path, timeout=self._timeout_s, allow_redirects=False, **request
            )
        except RequestException as error:
            raise TrackingUnavailable("The tracking server does not answer.") from error
        if answer.status_code != requests.codes.ok:
            raise refusal(answer.status_code, *_said(answer))
        try:
            found = orjson.loads(answer.content)
        except orjson.JSONDecodeError as error:
            raise TrackingUnavailable("The tracking server answered with no JSON.") from error
        if not isinstance(found, dict):
            raise TrackingUnavailable("The tracking server answered with no JSON object.")
        return found


def refusal(status: int, message: str, error_code: str = "") -> Exception:
    """The error that an answer stands for."""
    if error_code in ABSENT:
        return TrackingNotFound(message)
    if status >= SERVER_ERROR or status == TOO_MANY:
        return TrackingUnavailable(f"The tracking server failed: {message}")
    if status == NOT_FOUND:
        return TrackingNotFound(message)
    return TrackingRefused(message)


def _said(answer: requests.Response) -> tuple[str, str]:
    """An error answer's message and code; proxies answer in HTML."""
    try:
        body = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        return f"{answer.status_code} {answer.reason}"[:MESSAGE_LENGTH], ""
    message = str(body.get("message") or f"{answer.status_code} {answer.reason}")
    return message.splitlines()[0][:MESSAGE_LENGTH], str(body.get("error_code", ""))


def _authorization() -> dict[str, str]:
    """A token from the environment, where MLflow's own client looks for it."""
    token = os.environ.get("MLFLOW_TRACKING_TOKEN", "")
    return {"Authorization": f"Bearer {token}"} if token else {}


def _verification() -> bool | str:
    if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in {"1", "true"}:
        return False
    return os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH") or True
