"""The page of the log: what it states, who vouches for that, and whether it still holds."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.urls import reverse

from hokusai.accounts.permissions import projects_where
from hokusai.core.choices import WorkStatus
from hokusai.signers.models import SigningKey
from hokusai.transparency.models import Checkpoint
from hokusai.transparency.policy import log_origin
from hokusai.transparency.reports import (
    AuditState,
    Growth,
    LogState,
    audit_state,
    growth,
    log_state,
)
from hokusai.web import markup
from hokusai.web.panels import Fact, Notice, Page, Panel, chart, plain, table

AUDIT = "transparency.audit_log"
CHECKPOINTS_SHOWN = 10
AUDITING_REFRESH_S = 3
API = "/api/v1/log/"


def may_audit(request: HttpRequest) -> bool:
    """Whether the person may have the log recomputed: whoever reviews or builds anywhere."""
    user: Any = request.user
    return bool(user.is_superuser or projects_where(user, AUDIT).exists())


def check_may_audit(request: HttpRequest) -> None:
    """Raises PermissionDenied."""
    if not may_audit(request):
        raise PermissionDenied


def log_page(request: HttpRequest) -> Page:
    """Everything about the log as it is now."""
    state, audits = log_state(), audit_state()
    return Page(
        title="Transparency log",
        badges=(_badge(state),),
        lead="Every attempt, attestation, revocation, status list, key event and batch of events, "
        "in an order that nobody can change unseen.",
        notices=_notices(state),
        facts=_facts(state),
        panels=(
            _verify(request, audits),
            _witnesses(state),
            _growth(growth()),
            _checkpoints(),
            _note(state),
        ),
        refresh_s=AUDITING_REFRESH_S if audits.running else 0,
    )


def _badge(state: LogState) -> str:
    if state.checkpoint is None:
        return markup.badge("no checkpoint", "quiet")
    return markup.badge("witnessed", "success") if state.witnessed else markup.badge("waiting")


def _notices(state: LogState) -> list[Notice]:
    found = [Notice(f"{each.source}: {each.message}", "danger") for each in state.troubles]
    if state.checkpoint is None and state.size:
        text = (
            "No checkpoint is signed yet: start the worker of the queue “signing” with a key of "
            "the log (LOG_KEY_FILE)."
        )
        found.append(Notice(text, "warning"))
    if state.checkpoint is not None and not state.witnessed:
        text = f"The last checkpoint has {state.cosigned} of {state.needed} cosignatures."
        found.append(Notice(text, "warning"))
    return found


def _facts(state: LogState) -> tuple[Fact, ...]:
    last = state.checkpoint
    key = SigningKey.objects.filter(key_id=last.key_id).first() if last else None
    records = reverse("admin:transparency_logrecord_changelist")
    return (
        Fact("Name", markup.mono(log_origin()), "checkpoints begin with it"),
        Fact("Leaves", markup.link(f"{state.size:,}", records)),
        Fact("Root", markup.mono(state.root, 24), "RFC 6962, SHA-256"),
        Fact("Waiting", f"{state.pending:,}", "committed records without a place"),
        Fact("Last checkpoint", f"{last.size:,} leaves" if last else markup.NOTHING),
        Fact("Signed", markup.moment(last.signed_at if last else None), "a new one as it grows"),
        Fact("Key", markup.object_link(key)),
        Fact("Cosigned", f"{state.cosigned} of {state.needed} needed", "WITNESS_THRESHOLD"),
    )


def _verify(request: HttpRequest, audits: AuditState) -> Panel:
    job, result = audits.job, audits.result or {}
    failed = job is not None and job.status == WorkStatus.FAILED
    verdict = markup.badge("holds", "success") if result.get("holds") else markup.badge("differs")
    lines = job.log.splitlines() if job else []
    context = {
        "may": may_audit(request),
        "running": audits.running,
        "progress": markup.progress(job.progress) if job else "",
        "note": lines[-1] if lines else "",
        "checked": [(what, f"{n:,}") for what, n in result.get("checked", {}).items()],
        "differences": result.get("differences", ()),
        "more": result.get("found", 0) - len(result.get("differences", ())),
        "verdict": verdict if result else "",
        "when": markup.moment(audits.at),
        "failed": job.last_error if job and failed else "",
    }
    hint = "Recomputes statements, leaves, nodes, checkpoints and batches of events from the rows."
    return Panel("Verification", "console/panels/verify_log.html", context, hint=hint)


def _witnesses(state: LogState) -> Panel:
    size = state.checkpoint.size if state.checkpoint else None
    rows = [
        (
            each.name,
            each.url,
            markup.badge("cosigned", "success")
            if size is not None and each.size == size
            else markup.badge("waiting"),
            markup.NOTHING if each.size is None else f"{each.size:,}",
            markup.moment(each.seen_at),
            each.trouble or markup.NOTHING,
        )
        for each in state.witnesses
    ]
    return table(
        "Witnesses",
        ("Witness", "Asked at", "Last checkpoint", "Saw leaves", "At", "Trouble"),
        rows,
        empty="Nobody cosigns the checkpoints. Whoever relies on the log runs "
        "docs/attestation/hokusai_witness.py, and the setting WITNESSES names it.",
        hint=f"The policy asks for {state.needed} of {len(state.witnesses)}.",
    )


def _growth(points: list[Growth]) -> Panel:
    return chart(
        "Growth",
        "columns",
        {
            "labels": [f"{point.at:%d %b %H:%M}" for point in points],
            "series": [
                {"name": "leaves", "tone": "info", "values": [point.size for point in points]}
            ],
            "unit": "leaves",
            "stacked": False,
        },
        key="growth",
        empty="" if points else "The log is empty: the first comparison or event fills it.",
        headers=("When (UTC)", "Leaves"),
        rows=[(markup.moment(point.at), f"{point.size:,}") for point in points],
        hint="How many leaves the log had, at evenly spaced leaves.",
        height_px=220,
    )


def _checkpoints() -> Panel:
    rows = [
        (
            f"{each.size:,}",
            markup.mono(each.root, 24),
            markup.moment(each.signed_at),
            len(each.cosignatures.all()),
        )
        for each in Checkpoint.objects.prefetch_related("cosignatures")[:CHECKPOINTS_SHOWN]
    ]
    return table(
        "Checkpoints",
        ("Leaves", "Root", "Signed", "Cosignatures"),
        rows,
        empty="The signer signs the first one as soon as the log has a leaf.",
        hint=f"The last {CHECKPOINTS_SHOWN}; all of them at {API}checkpoints.",
    )


def _note(state: LogState) -> Panel:
    note = state.note
    hint = f"What verifiers take: {API}checkpoint?format=note."
    return plain("Signed note", note, empty="There is no checkpoint yet.", hint=hint)
