"""What the page of a deployment shows."""

from collections.abc import Sequence
from typing import Any

from django.urls import reverse

from deployments import board, board_cells, endpoints
from deployments.admin import log_panels
from deployments.admin.timeline import timeline
from deployments.admin.trying import try_panel
from deployments.board import Standing
from deployments.choices import RevisionStatus
from deployments.models import Deployment, Revision
from hokusai.web import markup
from hokusai.web.panels import Fact, Figure, Notice, Page, Panel, table

REVISIONS_SHOWN = 20
OPEN_REFRESH_S = 4


def page_of(
    deployment: Deployment,
    *,
    range_name: str,
    may_predict: bool,
    may_read_log: bool,
    may_read_events: bool,
) -> Page:
    """The whole page, for what the person may see."""
    revisions = list(
        deployment.revisions.select_related("version__model", "created_by")[:REVISIONS_SHOWN]
    )
    standing = board.standings([deployment])[deployment.pk]
    live = standing.revision if standing.live else None
    return Page(
        title=str(deployment),
        badges=(board_cells.state(standing), board_cells.environment(standing)),
        notices=_notices(standing),
        facts=_facts(deployment, standing),
        panels=(
            Panel("Now", "console/panels/now.html", now_context(deployment, standing)),
            *(log_panels.charts(deployment, range_name) if may_read_log else ()),
            try_panel(deployment, live) if may_predict else None,
            _revisions(revisions),
            timeline(deployment, revisions, linked=may_read_events),
            log_panels.failed(deployment) if may_read_log else None,
        ),
        refresh_s=OPEN_REFRESH_S if any(row.status in board.OPEN for row in revisions) else 0,
    )


def _notices(standing: Standing) -> list[Notice]:
    found = []
    latest = standing.newer or standing.revision
    if latest is not None and latest.error:
        keeps = " What served before still serves." if standing.live else ""
        found.append(Notice(f"Revision {latest.number}: {latest.error}{keeps}", "danger"))
    stats = standing.stats
    if standing.live and stats is None:
        text = "The runner has not told how this deployment does; predictions may still work."
        found.append(Notice(text, "warning"))
    if stats is not None and stats.tier == board.WEAK_TIER:
        text = "Isolation is tier C: the model is limited, but not isolated from this machine."
        found.append(Notice(text, "warning"))
    if stats is not None and stats.last_error:
        found.append(Notice(f"Its process: {stats.last_error}", "warning"))
    return found


def _facts(deployment: Deployment, standing: Standing) -> tuple[Fact, ...]:
    policy = endpoints.policy_of(deployment)
    limit = policy.rate_per_minute
    live = standing.revision if standing.live else None
    return (
        Fact("Model", markup.object_link(deployment.model)),
        Fact("Serves", markup.object_link(live.version) if live else markup.NOTHING),
        Fact("Since", markup.moment(standing.since)),
        Fact("Digest", markup.mono(live.digest if live else "", 16), "of the bytes that serve"),
        Fact("Runs", _runs(live), "what answers"),
        Fact("Provider", markup.mono(deployment.provider)),
        Fact("Predict at", markup.mono(address_of(deployment))),
        Fact("Asks for", _asked(deployment), "of a version to be served here"),
        Fact("Limit", f"{limit:,} a minute" if limit else "unlimited", "beside that of each key"),
        Fact("Deadline", f"{policy.deadline_ms:,} ms", "for one prediction"),
        Fact("Results kept", f"{policy.cache_s} s" if policy.cache_s else "not at all"),
        Fact("Log", _logged(deployment), "of the predictions"),
        Fact("Made by", deployment.created_by.username),
        Fact("Id", markup.mono(deployment.public_id)),
    )


def _runs(live: Revision | None) -> Any:
    if live is None:
        return markup.NOTHING
    return "ONNX made from it, found exact" if live.converted_digest else "the files as registered"


def _asked(deployment: Deployment) -> str:
    stage = deployment.required_stage
    asked = [f"stage {stage}"] if stage != "none" else []
    if deployment.require_digest:
        asked.append("the digest stated")
    return " and ".join(asked) or "nothing"


def _logged(deployment: Deployment) -> str:
    what = "rows and outputs" if deployment.log_payloads else "no rows"
    return f"{deployment.log_sample * 100:g} %, {what}"


def address_of(deployment: Deployment) -> str:
    """Where the API answers for a deployment."""
    if deployment.slug == endpoints.MAIN:
        return f"/api/v1/models/{deployment.model.model_id}/predict"
    return f"/api/v1/deployments/{deployment.public_id}/predict"


def now_context(deployment: Deployment, standing: Standing) -> dict[str, Any]:
    """The figures of the last seconds."""
    figures = (
        Figure("Requests per second", board_cells.requests(standing)),
        Figure("p50", board_cells.p50(standing), "of the model's time"),
        Figure("p95", board_cells.p95(standing), "of the model's time"),
        Figure("Errors", board_cells.errors(standing), "of the requests"),
        Figure("Memory", board_cells.memory(standing), f"of {_most(deployment)}"),
        Figure("Process", board_cells.process(standing), "of the model, and its restarts"),
        Figure("Isolation", board_cells.tier(standing), _tier_words(standing)),
    )
    address = reverse("admin:deployments_deployment_now", args=[deployment.pk])
    return {"figures": figures, "address": address, "live": standing.live}


def _most(deployment: Deployment) -> str:
    return markup.size(deployment.memory_bytes)


def _tier_words(standing: Standing) -> str:
    stats = standing.stats
    return board_cells.TIER_WORDS.get(stats.tier, "") if stats else ""


def _revisions(revisions: Sequence[Revision]) -> Panel:
    rows = [
        (
            board_cells.number(markup.object_link(revision, f"revision {revision.number}")),
            markup.object_link(revision.version, f"v{revision.version.number}"),
            markup.badge(revision.status),
            board_cells.number(markup.mono(revision.digest, 12)),
            revision.created_by.username,
            markup.moment(revision.live_at),
            markup.moment(revision.ended_at),
            markup.cut(_why(revision), 90),
        )
        for revision in revisions
    ]
    headers = ("Revision", "Version", "State", "Digest", "By", "Live since", "Ended", "Why")
    return table(
        "Revisions", headers, rows, empty="None yet. Open a version that is ready, choose Deploy."
    )


def _why(revision: Revision) -> str:
    if revision.error:
        return revision.error
    if revision.status == RevisionStatus.STANDBY:
        return "Kept for a roll-back."
    if revision.ended_at is not None:
        return "Another took its place, or serving was stopped."
    return "—"
