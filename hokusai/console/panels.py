"""The dashboard's panels: each draws one report for the projects of one person."""

from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils import timezone

from contributions import impact
from contributions import reports as contribution_reports
from deployments import board, board_cells
from experiments import reports as experiment_reports
from hokusai.accounts.models import Project
from hokusai.core.choices import WorkStatus
from hokusai.core.models import Job
from hokusai.web import markup
from hokusai.web.panels import Figure, Panel, chart, table
from registry import reports as registry_reports
from registry.choices import PassKind
from registry.models import Model, ModelVersion, Promotion
from registry.sync_reports import Look, SyncStatus, sync_status

WAITING_SHOWN = 6
SERVING_SHOWN = 10
# A look at what is new comes each minute.
LATE_S = 300


def figures(user: Any) -> Panel:
    """How much there is."""
    summary = contribution_reports.improvements_summary(user)
    versions = ModelVersion.objects.of_member(user)
    jobs = Job.objects.unfinished()
    if not user.is_superuser:
        jobs = jobs.filter(project_id__in=user.memberships.values("project_id"))
    shown = (
        Figure("Models", Model.objects.of_member(user).count(), "lines of versions"),
        Figure("In production", versions.in_production().count(), "versions", "success"),
        Figure(
            "Improvements",
            summary.count,
            f"{summary.confirmed} confirmed, {summary.attested} attested",
            "success",
        ),
        Figure("Credited people", summary.contributors, "with a share in an improvement"),
        Figure("Jobs under way", jobs.count(), "queued or running", "warning"),
    )
    return Panel("At a glance", "console/panels/figures.html", {"figures": shown})


def awaiting_review(user: Any) -> Panel:
    """Promotions that somebody must decide."""
    waiting = (
        Promotion.objects.of_member(user)
        .awaiting_review()
        .select_related("version__model", "requested_by")[:WAITING_SHOWN]
    )
    rows = [
        (
            markup.object_link(row),
            row.requested_by.username,
            markup.moment(row.created_at),
            markup.badge(*_checks(row)),
        )
        for row in waiting
    ]
    return table(
        "Awaiting a decision",
        ("Promotion", "Asked by", "Since", "Checks"),
        rows,
        empty="No promotion waits. Ask for one from a version's page.",
        wide=False,
    )


def _checks(promotion: Promotion) -> tuple[str, str]:
    failed = [
        check
        for check in promotion.checks
        if check.get("passed") is not True and check.get("blocking", True)
    ]
    if not promotion.checks:
        return "none run", "quiet"
    return (f"{len(failed)} failed", "danger") if failed else ("all passed", "success")


def versions_per_week(user: Any) -> Panel:
    """Versions registered, week by week."""
    weeks = registry_reports.versions_per_week(user)
    return chart(
        "Versions registered per week",
        "columns",
        {
            "labels": [week.label for week in weeks],
            "unit": "versions",
            "series": [
                {"name": "versions", "tone": "accent", "values": [week.value for week in weeks]}
            ],
        },
        key="versions-per-week",
        empty="" if any(week.value for week in weeks) else _NO_VERSIONS,
        headers=("Week of", "Versions"),
        rows=[(week.label, week.value) for week in weeks],
        wide=False,
    )


_NO_VERSIONS = (
    "No version was registered in the last twelve weeks. Register one with "
    "POST /api/v1/models/register, or with HokusaiModelRegistry from Python."
)


def decisions_per_week(user: Any) -> Panel:
    """Comparisons accepted and refused, week by week."""
    weeks = experiment_reports.decided_per_week(user)
    series = (
        ("accepted", "success", [week.accepted for week in weeks]),
        ("refused", "danger", [week.refused for week in weeks]),
    )
    return chart(
        "Improvements accepted and refused per week",
        "columns",
        {
            "labels": [week.label for week in weeks],
            "unit": "comparisons",
            "stacked": True,
            "series": [{"name": n, "tone": tone, "values": values} for n, tone, values in series],
        },
        key="decisions-per-week",
        empty=""
        if any(week.accepted or week.refused for week in weeks)
        else "Nothing was decided in the last twelve weeks. Evaluate a version on its page.",
        headers=("Week of", "Accepted", "Refused"),
        rows=[(week.label, week.accepted, week.refused) for week in weeks],
        wide=False,
    )


def leaderboard(user: Any) -> Panel:
    """Who is credited with the most confirmed gain, in the metric that comes first."""
    seen = Project.objects.of_member(user)
    metric = next(iter(impact.metrics_with_credit(seen)), "")
    lines = impact.leaderboard(seen, metric) if metric else []
    return chart(
        f"Contributors by credited gain{f' in {metric}' if metric else ''}",
        "ranking",
        {
            "labels": [line.name or line.address for line in lines],
            "values": [markup.in_units(line.credited_ppm, metric) for line in lines],
            "unit": f"credited {markup.unit_of_gain(metric)}",
        },
        key="leaderboard",
        empty="" if lines else _NOBODY,
        headers=("Rank", "Contributor", "Address", "Shares", "Credited"),
        rows=[
            (
                line.rank,
                line.name or "—",
                markup.mono(line.address, 14),
                line.shares,
                markup.gain(line.credited_ppm, metric),
            )
            for line in lines
        ],
        wide=False,
    )


_NOBODY = (
    "Nobody is credited yet: credit needs an improvement that untouched rows confirmed and an "
    "attestation that proves it."
)


def deployments(user: Any) -> Panel:
    """What serves, how it does, and what does not."""
    rows = [
        (
            markup.object_link(standing.deployment),
            board_cells.state_and_version(standing),
            board_cells.requests(standing),
            board_cells.p95(standing),
            board_cells.errors(standing),
        )
        for standing in board.board_of(user, SERVING_SHOWN)
    ]
    return table(
        "Serving",
        ("Deployment", "Serves", "Requests/s", "p95", "Errors"),
        rows,
        empty="Nothing is deployed. Open a version that is ready and choose Deploy.",
        hint=markup.link("The serving board", reverse("admin:deployments_deployment_changelist")),
        wide=False,
    )


def sync_backlog(user: Any) -> Panel:
    """How far the tracking server and the registry are in step."""
    status = sync_status(user)
    oldest = "nothing waits"
    if status.oldest_s is not None:
        oldest = f"the first for {_spell(status.oldest_s)}"
    lag = "never" if status.lag_s is None else f"{_spell(status.lag_s)} ago"
    shown = [
        Figure("Last look", lag, _last_sweep(status.looks), _lag_tone(status)),
        Figure("Waiting", status.pending, oldest, "warning" if status.pending else "success"),
        _alarm("Conflicts", status.open_conflicts, "changed on both sides, to be decided"),
        _alarm("Missing", status.missing, "no longer in MLflow"),
        _alarm("Parked", status.parked, "see Deliveries to try again"),
    ]
    if user.is_superuser:
        tone = "warning" if status.inbox else "success"
        shown.append(Figure("Inbox", status.inbox, "versions without a project", tone))
    return Panel("Tracking server", "console/panels/figures.html", {"figures": shown}, wide=False)


def _alarm(label: str, count: int, hint: str) -> Figure:
    return Figure(label, count, hint, "danger" if count else "success")


def _lag_tone(status: SyncStatus) -> str:
    if any(look.came_back_empty for look in status.looks):
        return "danger"
    return "success" if status.lag_s is not None and status.lag_s <= LATE_S else "warning"


def _last_sweep(looks: Sequence[Look]) -> str:
    """When everything was looked at last, and whether the server was empty."""
    sweeps = [look for look in looks if look.kind == PassKind.FULL]
    if any(look.came_back_empty for look in sweeps):
        return "the server came back empty"
    ends = [look.finished_at for look in sweeps if look.finished_at is not None]
    if not ends:
        return "no full sweep yet"
    age_s = int((timezone.now() - min(ends)).total_seconds())
    return f"full sweep {_spell(age_s)} ago"


def _spell(seconds: int) -> str:
    """A time span in its largest unit."""
    for size, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {name}"
    return f"{seconds} seconds"


def failed_jobs(user: Any) -> Panel:
    """Work that ended without a result."""
    jobs = Job.objects.filter(status=WorkStatus.FAILED)
    if not user.is_superuser:
        jobs = jobs.filter(project_id__in=user.memberships.values("project_id"))
    rows = [
        (markup.object_link(job), markup.moment(job.finished_at), job.last_error[:120])
        for job in jobs[:WAITING_SHOWN]
    ]
    return table(
        "Failed jobs",
        ("Job", "Ended", "Why"),
        rows,
        empty="No job has failed.",
    )
