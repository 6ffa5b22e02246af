"""Where the next page begins: signed, and good for the search that it came from alone."""

from dataclasses import dataclass

from django.core import signing

from hokusai.core.errors import InvalidInput
from registry.search.criteria import VersionSearch

_SALT = "registry.search"


@dataclass(frozen=True, slots=True)
class Place:
    """The last version shown, with its number or metric where the page is ordered by it."""

    public_id: str
    sort: float


def cursor_after(search: VersionSearch, public_id: str, sort: float) -> str:
    """A cursor behind a version."""
    shown = "" if search.order.by == "registration" else repr(sort)
    return _signer(search).sign(f"{public_id}~{shown}")


def place_of(search: VersionSearch) -> Place | None:
    """Where a search goes on; None for its beginning. Raises InvalidInput for another's cursor."""
    if not search.cursor:
        return None
    try:
        public_id, _, sort = _signer(search).unsign(search.cursor).partition("~")
    except signing.BadSignature as error:
        message = "Unknown, or of another search; start again without a cursor."
        raise InvalidInput(f"cursor: {message}", fields={"cursor": [message]}) from error
    return Place(public_id, float(sort or 0))


def _signer(search: VersionSearch) -> signing.Signer:
    return signing.Signer(salt=f"{_SALT}.{search.fingerprint}")
