"""Keeping, in this database, what a tracking server holds; in bulk, and safe to repeat."""

from registry.mirroring.linking import adopt, enqueue_copies, mapped_waiting
from registry.mirroring.listing import Listing, everything, news
from registry.mirroring.missing import Absence, note_absences
from registry.mirroring.rows import Taken, read_runs, take_in
from registry.mirroring.telling import tell_of

__all__ = [
    "Absence",
    "Listing",
    "Taken",
    "adopt",
    "enqueue_copies",
    "everything",
    "mapped_waiting",
    "news",
    "note_absences",
    "read_runs",
    "take_in",
    "tell_of",
]
