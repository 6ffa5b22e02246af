"""What a complete look at a tracking server did not find."""

from dataclasses import dataclass, field

from django.db.models import Max

from registry.mirroring import statements
from registry.mirroring.intake import ask, staged
from registry.mirroring.listing import Listing
from registry.mirroring.rows import version_rows
from registry.models import TrackedVersion

SWEEPS = 2


@dataclass(slots=True)
class Absence:
    """Keys of our versions that are now held to be missing, and of those that came back;
    `missed`: how many of all the listing lacked; `empty`: it held none though some are known."""

    gone: list[int] = field(default_factory=list)
    back: list[int] = field(default_factory=list)
    missed: int = 0
    missing: int = 0
    empty: bool = False


def newest_known(server: str) -> int:
    """The key of the newest row; what is made while a listing is read is not missed by it."""
    return TrackedVersion.objects.filter(server=server).aggregate(newest=Max("pk"))["newest"] or 0


def note_absences(server: str, found: Listing, *, seen_in: int, newest: int) -> Absence:
    """Count what a complete listing lacks; two of them make it missing. Within a transaction.

    Raises ValueError for a listing that is not whole.
    """
    if not found.whole:
        raise ValueError("Only a complete listing tells what is missing.")
    result = Absence()
    with staged(version_rows(found.versions)) as batch:
        back = ask(statements.SEEN, server=server, batch=batch, seen_in=seen_in)
        lost = ask(statements.MISSED, server=server, batch=batch, newest=newest, sweeps=SWEEPS)
    result.back = [key for (key,) in back if key is not None]
    result.gone = [key for key, now, _ in lost if now and key is not None]
    result.missed, result.missing = len(lost), sum(1 for _, _, missing in lost if missing)
    result.empty = not found.versions and any(key is not None for key, _, _ in lost)
    return result
