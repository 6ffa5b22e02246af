"""One question to the authentication service, over before its time is."""

import io
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from socket import socket
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

from hokusai.web.external.policy import Policy
from hokusai.web.external.problems import IntrospectionFailed
from hokusai.web.external.verdicts import Verdict, read_verdict

MAX_ANSWER_BYTES = 64 * 1024
OK = 200


class _Timed(io.RawIOBase):
    """Reads from a socket until a moment: a server that trickles gets no more time than one."""

    def __init__(self, source: socket, held: io.BufferedIOBase, ends: float) -> None:
        # What http.client opened stays open, for as long as the socket is to stay so.
        self._source, self._held, self._ends = source, held, ends

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._source.settimeout(left(self._ends))
        return self._source.recv_into(buffer)

    def close(self) -> None:
        self._held.close()
        super().close()


def left(ends: float) -> float:
    """Seconds until a moment of the monotonic clock. Raises TimeoutError after it."""
    remaining = ends - time.monotonic()
    if remaining <= 0:
        raise TimeoutError
    return remaining


def introspect(token: str, policy: Policy) -> Verdict:
    """What the service says of a token.

    Raises IntrospectionFailed: no answer within the policy's time, a status that is not 200, or
    an answer out of form. None of these says anything about the token.
    """
    ends = time.monotonic() + policy.timeout_s
    address = urlsplit(policy.url)
    kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
    connection = kind(address.hostname or "", address.port, timeout=policy.timeout_s)
    connection.response_class = cast("type[HTTPResponse]", _response_class(ends))
    try:
        connection.connect()
        connection.sock.settimeout(left(ends))
        target = (address.path or "/") + (f"?{address.query}" if address.query else "")
        connection.request("POST", target, _body(token), _headers(policy))
        answer = connection.getresponse()
        content = answer.read(MAX_ANSWER_BYTES + 1)
    except (OSError, HTTPException) as error:
        raise IntrospectionFailed(f"No answer: {type(error).__name__}.") from error
    finally:
        connection.close()
    if answer.status != OK or len(content) > MAX_ANSWER_BYTES:
        raise IntrospectionFailed(f"The answer has the status {answer.status}.")
    return read_verdict(content)


def _body(token: str) -> str:
    return urlencode({"token": token, "token_type_hint": "access_token"})


def _headers(policy: Policy) -> dict[str, str]:
    headers = {
        "Accept": "application/json",
        "Content-Type": "application/x-www-form-urlencoded",
        "Connection": "close",
    }
    if policy.token:
        headers["Authorization"] = f"Bearer {policy.token}"
    return headers


def _response_class(ends: float) -> Callable[..., HTTPResponse]:
    def made(source: socket, *args: Any, **kwargs: Any) -> HTTPResponse:
        response = HTTPResponse(source, *args, **kwargs)
        response.fp = io.BufferedReader(_Timed(source, response.fp, ends))
        return response

    return made
