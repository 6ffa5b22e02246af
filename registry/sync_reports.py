"""How far the registry and the tracking servers are in step; only what the viewer may see."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from registry.choices import ConflictState, MirrorState, PassKind
from registry.models import ModelVersion, SyncConflict, SyncPass, TrackedVersion
from registry.reports import sync_backlog


@dataclass(frozen=True, slots=True)
class Look:
    """The last look of one kind at one server."""

    server: str
    kind: str
    finished_at: datetime | None
    complete: bool
    came_back_empty: bool


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """What waits and what differs. `lag_s`: seconds since the last complete look at the server
    that was looked at longest ago, None where there was none; `inbox` is the administrators'."""

    pending: int
    oldest_s: int | None
    parked: int
    conflict: int
    open_conflicts: int
    inbox: int
    missing: int
    lag_s: int | None
    looks: list[Look]


def sync_status(user: Any) -> SyncStatus:
    """The state of the sync for the user's projects."""
    backlog = sync_backlog(user)
    conflicts = SyncConflict.objects.of_member(user).filter(state=ConflictState.OPEN)
    looks = _looks()
    return SyncStatus(
        pending=backlog.pending,
        oldest_s=backlog.oldest_s,
        parked=backlog.parked,
        conflict=backlog.conflict,
        open_conflicts=conflicts.count(),
        inbox=inbox().count() if user.is_superuser else 0,
        missing=missing(user).count(),
        lag_s=_lag_s(looks),
        looks=looks,
    )


def inbox() -> Any:
    """Versions of the tracking servers that wait for a project."""
    return TrackedVersion.objects.filter(state=MirrorState.INBOX, missing_since__isnull=True)


def missing(user: Any) -> Any:
    """Versions of the user's projects that the tracking server no longer holds."""
    return ModelVersion.objects.of_member(user).filter(tracked__missing_since__isnull=False)


def tracking_notice(version: ModelVersion) -> str:
    """What is to be said on a version's page of its twin; empty for nothing."""
    tracked = TrackedVersion.objects.filter(version=version.pk).first()
    if tracked is None or tracked.missing_since is None:
        return ""
    since = tracked.missing_since.strftime("%d %B %Y, %H:%M")
    return (
        f"Missing in MLflow since {since} UTC: {tracked.name} {tracked.number} is not there any "
        "more. Nothing was deleted here; sync again to make it there anew."
    )


def _looks() -> list[Look]:
    rows = []
    for server in settings.TRACKING:
        for kind in (PassKind.INCREMENTAL, PassKind.FULL):
            last = SyncPass.objects.filter(server=server, kind=kind).order_by("-id").first()
            if last is not None:
                empty = bool(last.report.get("came_back_empty"))
                rows.append(Look(server, str(kind), last.finished_at, last.complete, empty))
    return rows


def _lag_s(looks: list[Look]) -> int | None:
    newest: dict[str, datetime] = {}
    for look in looks:
        if look.complete and look.finished_at is not None:
            newest[look.server] = max(look.finished_at, newest.get(look.server, look.finished_at))
    if not newest:
        return None
    return int((timezone.now() - min(newest.values())).total_seconds())
