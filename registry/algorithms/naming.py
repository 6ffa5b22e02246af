"""Names of the tracking server as names of the registry: fixed, readable, never the same twice."""

import hashlib
import re
import unicodedata
from collections.abc import Callable

LONGEST = 63
DIGITS = 8
_OTHER = re.compile(r"[^a-z0-9]+")


def slug_of(name: str, is_taken: Callable[[str], bool] = lambda slug: False) -> str:
    """A slug `[a-z0-9][a-z0-9-]{0,62}` for any name; the same name gives the same slug.

    Accents are dropped. A name that loses letters of another alphabet, or whose slug another name
    has, ends with eight digits of its SHA-256.
    """
    plain = unicodedata.normalize("NFKD", name)
    ascii_only = plain.encode("ascii", "ignore").decode()
    slug = _OTHER.sub("-", ascii_only.lower()).strip("-")
    lost = any(ord(letter) > 127 and unicodedata.category(letter)[0] == "L" for letter in plain)  # noqa: PLR2004
    if slug and not lost and len(slug) <= LONGEST and not is_taken(slug):
        return slug
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    begin = slug[: LONGEST - DIGITS - 1].strip("-") or "model"
    ended = f"{begin}-{digest[:DIGITS]}"
    return ended if not is_taken(ended) else f"{begin[:30].strip('-')}-{digest[:30]}"
