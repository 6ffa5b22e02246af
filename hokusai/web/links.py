"""Sending a client to a stored file: the bytes pass no web process."""

import base64
from typing import Protocol

from django.http import HttpResponse

TEMPORARY_REDIRECT = 307


class StoredFile(Protocol):
    """A link and the sha256 (hexadecimal) of what is behind it."""

    @property
    def url(self) -> str: ...
    @property
    def sha256(self) -> str: ...


def to_file(file: StoredFile) -> HttpResponse:
    """A redirect whose `Repr-Digest` (RFC 9530) names the bytes that will come."""
    answer = HttpResponse(status=TEMPORARY_REDIRECT)
    answer["Location"] = file.url
    digest = base64.b64encode(bytes.fromhex(file.sha256)).decode()
    answer["Repr-Digest"] = f"sha-256=:{digest}:"
    answer["Cache-Control"] = "no-store"
    return answer
