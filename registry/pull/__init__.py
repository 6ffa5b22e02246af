"""Fetching from the tracking server what changed there; the handlers of the jobs that do it."""

from registry.pull.hints import refetch
from registry.pull.passes import reconcile, sweep

__all__ = ["reconcile", "refetch", "sweep"]
