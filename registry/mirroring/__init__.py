"""Keeping, in this database, what a tracking server holds; in bulk, and safe to repeat."""

from registry.mirroring.linking import adopt, enqueue_copies, mapped_waiting
from registry.mirroring.listing import Listing, everything, news, runs_behind
from registry.mirroring.missing import Absence, note_absences
from registry.mirroring.rows import Taken, take_in, unknown_runs

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
    "runs_behind",
    "take_in",
    "unknown_runs",
]
