"""The dashboard's panels: each draws one report for the projects of one person."""

from dataclasses import dataclass
from typing import Any

from contributions import reports as contribution_reports
from deployments import reports as deployment_reports
from experiments import reports as experiment_reports
from hokusai.core.choices import WorkStatus
from hokusai.core.models import Job
from hokusai.web import markup
from hokusai.web.panels import Panel, chart, table
from registry import reports as registry_reports
from registry.models import Model, ModelVersion, Promotion

WAITING_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its name."""

    label: str
    value: Any
    hint: str = ""
    tone: str = "info"


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
            f"{summary.attested} attested, {markup.points(summary.total_delta_ppm)} in all",
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
    """Who is credited with the most gain."""
    lines = contribution_reports.leaderboard(user)
    points = [line.credited_ppm / markup.PPM_PER_POINT for line in lines]
    return chart(
        "Contributors by credited gain",
        "ranking",
        {
            "labels": [line.name or line.address for line in lines],
            "values": [round(value, 2) for value in points],
            "unit": "credited percentage points",
        },
        key="leaderboard",
        empty="" if lines else "Nobody is credited yet: the first accepted improvement does that.",
        headers=("Contributor", "Address", "Improvements", "Credited"),
        rows=[
            (
                line.name or "—",
                markup.mono(line.address, 14),
                line.improvements,
                markup.points(line.credited_ppm),
            )
            for line in lines
        ],
        wide=False,
    )


def deployments(user: Any) -> Panel:
    """What serves, and in which state it is."""
    rows = [
        (
            markup.object_link(line.deployment),
            f"v{line.version}" if line.version else "—",
            line.revision or "—",
            markup.badge(line.status),
            markup.moment(line.since),
        )
        for line in deployment_reports.deployment_board(user)
    ]
    return table(
        "Deployments",
        ("Deployment", "Version", "Revision", "State", "Since"),
        rows,
        empty="Nothing is deployed. Open a version that is ready and choose Deploy.",
        wide=False,
    )


def sync_backlog(user: Any) -> Panel:
    """What MLflow does not show yet."""
    backlog = registry_reports.sync_backlog(user)
    oldest = "nothing waits"
    if backlog.oldest_s is not None:
        oldest = f"the first for {_spell(backlog.oldest_s)}"
    shown = (
        Figure("Waiting", backlog.pending, oldest, "warning" if backlog.pending else "success"),
        Figure(
            "In conflict",
            backlog.conflict,
            "changed on both sides",
            "danger" if backlog.conflict else "success",
        ),
        Figure(
            "Parked",
            backlog.parked,
            "see Deliveries to try again",
            "danger" if backlog.parked else "success",
        ),
    )
    return Panel("Tracking server", "console/panels/figures.html", {"figures": shown}, wide=False)


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
