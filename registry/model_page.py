"""What the registry puts on the page of a model beside its versions: history and shares."""

import re
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from hokusai.accounts.permissions import role_in
from hokusai.web import markup
from hokusai.web.panels import Panel, table
from registry import history
from registry.models import Model

CHANGES_SHOWN = 20
AT = "at"
# As a browser's field writes it, with or without seconds and an offset.
WRITTEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?\Z")


def _may_look(request: HttpRequest, model: Model) -> bool:
    """Members see who decided; a share shows the model alone."""
    return request.user.is_superuser or role_in(request.user, model.project) is not None


def stage_history(request: HttpRequest, model: Model) -> Panel | None:
    """How versions moved between stages, with who asked and who approved."""
    if not _may_look(request, model):
        return None
    rows = [_change(change) for change in history.timeline(model, limit=CHANGES_SHOWN)]
    return table(
        "History",
        ("When", "Version", "Stage", "How", "Asked by", "Approved by", "Carried out by"),
        rows,
        empty="No version changed its stage yet. Ask for a promotion on a version's page.",
        hint=f"The newest {CHANGES_SHOWN}; the API has all." if len(rows) == CHANGES_SHOWN else "",
    )


def _change(change: history.Change) -> tuple[Any, ...]:
    decided = change.decided
    return (
        markup.moment(change.at),
        markup.object_link(change.version, f"v{change.version.number}"),
        markup.badge(change.after),
        _how(decided),
        decided.requested_by or "—",
        ", ".join(decided.approved_by) or "—",
        decided.carried_out_by,
    )


def _how(decided: history.Decided) -> Any:
    words = decided.reason.replace("_", " ")
    if not decided.promotion_id:
        return f"{words}: {decided.comment}" if decided.comment else words
    return markup.found_link(words, decided.promotion_id)


def at_time(request: HttpRequest, model: Model) -> Panel | None:
    """What was in production at a time that the page's query names."""
    if not _may_look(request, model):
        return None
    given = request.GET.get(AT, "")
    time = _moment(given)
    found = history.at(model, time) if time else None
    context = {
        "field": AT,
        "given": given,
        "most": timezone.now().strftime("%Y-%m-%dT%H:%M"),
        "wrong": bool(given) and time is None,
        "time": time,
        "rows": _present(found) if found else (),
    }
    return Panel(
        "In production at a time", "console/panels/at_time.html", context, hint="Times are in UTC."
    )


def _moment(text: str) -> datetime | None:
    """A time in UTC that was; None for what is no time or lies ahead."""
    if not WRITTEN.match(text):
        return None
    try:
        parsed = parse_datetime(text)
    except ValueError:
        return None
    if parsed is None:
        return None
    if timezone.is_naive(parsed):
        parsed = parsed.replace(tzinfo=timezone.get_default_timezone())
    return parsed if parsed <= timezone.now() else None


def _present(found: history.InProduction) -> tuple[tuple[str, Any], ...]:
    decided = found.decided
    return (
        ("Version", markup.object_link(found.version)),
        ("Since", markup.moment(found.since)),
        ("How", _how(decided)),
        ("Asked by", decided.requested_by or "—"),
        ("Approved by", ", ".join(decided.approved_by) or "—"),
        ("Carried out by", decided.carried_out_by),
        ("Evidence", decided.evidence or "—"),
    )


def shares(request: HttpRequest, model: Model) -> Panel | None:
    """With whom a model is shared, for those who may change it."""
    if not request.user.has_perm("registry.share_model", model):
        return None
    rows = [
        (
            share.project.slug if share.project else "everybody who logged in",
            markup.badge(share.right, "info"),
            share.shared_by.username,
            markup.moment(share.created_at),
        )
        for share in model.shares.select_related("project", "shared_by")
    ]
    return table(
        "Shared with",
        ("Project", "Right", "Shared by", "Since"),
        rows,
        empty="Nobody else. Choose Share above to let other projects see or derive from it.",
        wide=False,
    )
