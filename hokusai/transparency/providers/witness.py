"""Asking a witness for a cosignature (C2SP tlog-witness, add-checkpoint)."""

import base64
from collections.abc import Sequence
from http import HTTPStatus

import requests

from hokusai.transparency.exceptions import WitnessRefused, WitnessUnavailable

MAX_ANSWER_BYTES = 16 * 1024
MAX_DIGITS = 19
SHOWN = 200


class WitnessBehind(WitnessRefused):
    """The witness saw a tree of another size last."""

    code = "witness_behind"

    def __init__(self, size: int) -> None:
        super().__init__(f"The witness saw {size} leaves last.", size=size)
        self.size = size


def add_checkpoint(
    url: str, *, old: int, proof: Sequence[bytes], note: str, timeout_s: float
) -> str:
    """The lines of cosignatures that a witness answers, unverified. Safe to repeat.

    `old`, `proof`: the size it saw last, and the consistency proof from there. Raises
    WitnessBehind where it saw another size, WitnessRefused, WitnessUnavailable.
    """
    lines = [f"old {old}", *(base64.b64encode(hashed).decode() for hashed in proof)]
    body = "\n".join(lines) + "\n\n" + note
    status, text = _post(f"{url.rstrip('/')}/add-checkpoint", body.encode(), timeout_s)
    if status == HTTPStatus.OK:
        return text
    size = text.strip()
    known = size.isascii() and size.isdecimal() and len(size) <= MAX_DIGITS
    if status == HTTPStatus.CONFLICT and known:
        raise WitnessBehind(int(size))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        raise WitnessUnavailable(f"The witness answered {status}.")
    raise WitnessRefused(f"The witness answered {status}: {text[:SHOWN].strip()}")


def _post(url: str, body: bytes, timeout_s: float) -> tuple[int, str]:
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    try:
        with requests.Session() as session:
            # The environment's proxies and credentials are not a witness'.
            session.trust_env = False
            with session.post(
                url,
                data=body,
                headers=headers,
                timeout=timeout_s,
                allow_redirects=False,
                stream=True,
            ) as answer:
                data = answer.raw.read(MAX_ANSWER_BYTES, decode_content=True)
                return answer.status_code, bytes(data).decode(errors="replace")
    except (requests.RequestException, OSError) as error:
        raise WitnessUnavailable(f"The witness does not answer: {type(error).__name__}.") from error
