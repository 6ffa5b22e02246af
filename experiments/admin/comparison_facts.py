"""The head of a comparison's page: verdict, facts, and where it is proven."""

from typing import Any

from experiments.admin.benchmark_panels import BILLION
from experiments.attempts import record_of
from experiments.choices import Split
from experiments.models import Comparison
from experiments.reports import ComparisonView
from hokusai.web import markup
from hokusai.web.panels import Fact, Notice
from registry.choices import EdgeKind
from registry.models import LineageEdge

VERDICTS = {
    "accepted": ("success", "The candidate is better."),
    "refused": ("danger", "The candidate was not shown to be better."),
    "failed": ("danger", "The comparison failed; this is no verdict on the model."),
    "requested": ("info", "Waiting for a worker. This page refreshes itself."),
}
CONFIRMATIONS = {
    "requested": ("info", "The rows kept to confirm it are being asked."),
    "confirmed": ("success", "Confirmed on rows that no decision had touched."),
    "unconfirmed": (
        "warning",
        "The rows kept to confirm it do not show the gain: nothing is payable for it.",
    ),
    "failed": ("warning", "The confirmation failed; its job can be tried again."),
}


def notices(view: ComparisonView) -> list[Notice]:
    """The verdict, what became of its confirmation, and what is not told here."""
    tone, text = VERDICTS[view.status]
    found = [Notice(view.explanation or text, tone)]
    if view.confirmation is not None:
        tone, text = CONFIRMATIONS[view.confirmation.status]
        found.append(Notice(text, tone))
    if view.rounded and view.score_candidate is not None:
        text = (
            "Scores are rounded here; interval, guardrails, slices and confusion are for reviewers."
        )
        found.append(Notice(text, "info"))
    return found


def facts(obj: Comparison, view: ComparisonView) -> tuple[Fact, ...]:
    """What was compared, on which rows, at which level, and where it is proven."""
    rows = "—" if view.rows is None else f"{view.rows:,}"
    in_clusters = "" if view.clusters is None else f"in {view.clusters:,} clusters"
    return (
        Fact("Candidate", markup.object_link(obj.candidate)),
        Fact("Baseline", markup.object_link(obj.baseline)),
        Fact("Benchmark", markup.object_link(obj.benchmark)),
        Fact("Attempt", view.attempt, "on these rows, in this project"),
        Fact("Level", _level(obj), "that this attempt may spend, one-sided"),
        Fact("Rows that decide", rows, in_clusters),
        Fact(f"Candidate's {view.metric}", markup.score(view.score_candidate, view.metric)),
        Fact(f"Baseline's {view.metric}", markup.score(view.score_baseline, view.metric)),
        Fact("Observed gain", markup.gain(view.delta_ppm, view.metric)),
        Fact("p-value", small(view.p_value)),
        Fact("Reason", view.reason.replace("_", " ") or "—"),
        Fact("Requested by", obj.requested_by.username),
        Fact("Decided", markup.moment(obj.decided_at)),
        Fact("In the log", _logged(obj), "before anything was computed"),
        Fact("Credited", _improvement(obj), "shares and attestation"),
        Fact("Id", markup.mono(obj.public_id)),
    )


def _level(obj: Comparison) -> str:
    attempt = obj.attempts.filter(split=Split.SCREENING).first()
    return "—" if attempt is None else f"{attempt.alpha_e9 / BILLION:.3g}"


def _logged(obj: Comparison) -> Any:
    record = record_of(obj, Split.SCREENING)
    if record is None:
        return markup.NOTHING
    leaf = getattr(record, "leaf", None)
    return markup.found_link("waiting" if leaf is None else f"entry {leaf.index}", record.public_id)


def _improvement(obj: Comparison) -> Any:
    edges = LineageEdge.objects.filter(src__public_id=obj.public_id, kind=EdgeKind.IMPROVED)
    edge = edges.select_related("dst").first()
    if edge is None:
        return markup.NOTHING
    return markup.found_link("improvement", edge.dst.public_id)


def small(value: float | None) -> str:
    """A p-value in two digits; a dash for none."""
    return "—" if value is None else f"{value:.2g}"
