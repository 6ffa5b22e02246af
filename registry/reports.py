"""Reads of the registry for pages and charts; only what the viewer may see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, Func, JSONField, Min, Value
from django.db.models.functions import TruncWeek
from django.utils import timezone

from hokusai.core.choices import WorkStatus
from hokusai.core.models import Delivery
from registry.choices import SYNC_SUBSCRIBER, SyncState
from registry.lineage import Graph, lineage_of
from registry.models import Model, ModelVersion

LINEAGE_LIMIT = 120


@dataclass(frozen=True, slots=True)
class Point:
    """One bar of a chart."""

    label: str
    value: int


@dataclass(frozen=True, slots=True)
class SyncBacklog:
    """What MLflow does not show yet; `oldest_s` is the age in seconds of the first in line."""

    pending: int
    conflict: int
    parked: int
    oldest_s: int | None


@dataclass(frozen=True, slots=True)
class VersionScore:
    """One version's value of one metric, as stated when it was registered."""

    number: int
    score: float
    stage: str
    version_id: int


def weeks_until_now(weeks: int) -> list[date]:
    """Mondays of the last `weeks` weeks, UTC, oldest first, this week's last."""
    today = timezone.now().date()
    monday = today - timedelta(days=today.weekday())
    return [monday - timedelta(weeks=back) for back in reversed(range(weeks))]


def week_label(monday: date) -> str:
    """The day a week begins, as charts show it."""
    return f"{monday.day} {monday:%b}"


def versions_per_week(user: Any, weeks: int = 12) -> list[Point]:
    """Versions registered in each week in the user's projects, also weeks without any."""
    mondays = weeks_until_now(weeks)
    counted = (
        ModelVersion.objects.of_member(user)
        .filter(created_at__date__gte=mondays[0])
        .annotate(week=TruncWeek("created_at"))
        .order_by("week")
        .values_list("week")
        .annotate(count=Count("id"))
    )
    counts = {week.date(): count for week, count in counted}
    return [Point(week_label(monday), counts.get(monday, 0)) for monday in mondays]


def sync_backlog(user: Any) -> SyncBacklog:
    """How far MLflow is behind, for the user's projects."""
    versions = ModelVersion.objects.of_member(user)
    states = dict(
        versions.exclude(sync_state=SyncState.SYNCED)
        .order_by("sync_state")
        .values_list("sync_state")
        .annotate(count=Count("id"))
    )
    oldest = versions.waiting_for_sync().aggregate(oldest=Min("created_at"))["oldest"]
    return SyncBacklog(
        pending=states.get(SyncState.PENDING, 0),
        conflict=states.get(SyncState.CONFLICT, 0),
        parked=_parked(user),
        oldest_s=int((timezone.now() - oldest).total_seconds()) if oldest else None,
    )


def _parked(user: Any) -> int:
    """Pushes that failed for good and wait for a person."""
    parked = Delivery.objects.filter(status=WorkStatus.FAILED, subscriber=SYNC_SUBSCRIBER)
    if not user.is_superuser:
        parked = parked.filter(event__project_id__in=user.memberships.values("project_id"))
    return parked.count()


def metric_history(model: Model, metric: str, user: Any) -> list[VersionScore]:
    """A metric over the versions of a model, by number; nothing of a model that is hidden."""
    rows = (
        ModelVersion.objects.visible_to(user)
        .filter(model=model, metrics__has_key=metric)
        .order_by("number")
        .annotate(score=_value_of(metric))
        .values_list("number", "score", "stage", "id")
    )
    return [
        VersionScore(number, float(score), stage, version_id)
        for number, score, stage, version_id in rows
        if isinstance(score, int | float)
    ]


def _value_of(metric: str) -> Func:
    """A metric by its whole name: a lookup would read `a__b` as a path and `0` as a place."""
    return Func("metrics", Value(metric), function="jsonb_extract_path", output_field=JSONField())


def lineage_around(user: Any, public_ids: Sequence[str], limit: int = LINEAGE_LIMIT) -> Graph:
    """The graphs around several things as one, as far as the user may see; for drawing."""
    graphs = [lineage_of(public_id=one, user=user, limit=limit) for one in public_ids]
    nodes = {node.public_id: node for graph in graphs for node in graph.nodes}
    edges = {(edge.src, edge.dst, edge.kind): edge for graph in graphs for edge in graph.edges}
    return Graph(
        nodes=list(nodes.values()),
        edges=list(edges.values()),
        truncated=any(graph.truncated for graph in graphs),
    )
