from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.forms import CommentDialog
from hokusai.web.panels import Fact, Notice, Page, Panel, plain, table
from registry import services
from registry.choices import PromotionStatus
from registry.models import Promotion
from registry.promotion import failed_checks


def _open(obj: Promotion) -> bool:
    return obj.status == PromotionStatus.REQUESTED


@admin.register(Promotion)
class PromotionAdmin(ScopedAdmin):
    """Requests to move versions, with their checks and decisions."""

    view_permission = "registry.view_model"
    empty_hint = "Ask for a promotion from the page of a version that is ready."
    list_display = ("name", "status_label", "requested_by", "decided_by", "created", "decided")
    list_select_related = ("version__model__project", "requested_by", "decided_by")
    list_filter = (("status", ChoicesDropdownFilter), ("target", ChoicesDropdownFilter))
    search_fields = ("^version__model__model_id", "=public_id")
    actions_detail = ("approve", "refuse", "cancel")

    @display(description="promotion")
    def name(self, obj: Promotion) -> str:
        return str(obj)

    @display(description="state", ordering="status")
    def status_label(self, obj: Promotion) -> str:
        return markup.badge(obj.status)

    @display(description="asked", ordering="created_at")
    def created(self, obj: Promotion) -> str:
        return markup.moment(obj.created_at)

    @display(description="decided", ordering="decided_at")
    def decided(self, obj: Promotion) -> str:
        return markup.moment(obj.decided_at)

    @dialog_action(
        Dialog(
            title="Approve",
            text="Whoever asked, registered the version or earns by it cannot approve. With the "
            "last approval that is needed the checks run once more; if those that must pass do, "
            "the version moves, and one that is in production now is archived.",
            submit="Approve",
            needs="registry.decide_promotion",
            icon="check_circle",
            form=CommentDialog,
            variant=ActionVariant.PRIMARY,
            when=_open,
        )
    )
    def approve(self, request: HttpRequest, obj: Promotion, data: dict[str, Any]) -> str:
        decided = services.approve_promotion(
            promotion_id=obj.pk, comment=data["comment"], actor=self.actor(request)
        )
        if decided.status == PromotionStatus.REQUESTED:
            more = decided.approvals_needed - decided.approvals.count()
            return f"Approved; {more} more {'person' if more == 1 else 'persons'} must agree."
        return f"{obj.version} is in {obj.target}."

    @dialog_action(
        Dialog(
            title="Refuse",
            text="The version stays where it is. Say why, so that the next try can be better.",
            submit="Refuse",
            needs="registry.decide_promotion",
            icon="block",
            form=CommentDialog,
            variant=ActionVariant.DANGER,
            when=_open,
        )
    )
    def refuse(self, request: HttpRequest, obj: Promotion, data: dict[str, Any]) -> str:
        services.refuse_promotion(
            promotion_id=obj.pk, comment=data["comment"], actor=self.actor(request)
        )
        return "The promotion was refused."

    @dialog_action(
        Dialog(
            title="Take back",
            text="Take the request back. Only whoever made it can.",
            submit="Take back",
            needs="registry.request_promotion",
            icon="undo",
            when=_open,
        )
    )
    def cancel(self, request: HttpRequest, obj: Promotion, data: dict[str, Any]) -> str:
        services.cancel_promotion(promotion_id=obj.pk, actor=self.actor(request))
        return "The request was taken back."

    def page(self, request: HttpRequest, obj: Promotion) -> Page:
        return Page(
            title=str(obj),
            badges=(markup.badge(obj.status),),
            lead=obj.comment,
            notices=_notices(obj),
            facts=_facts(obj),
            panels=(_checks(obj), _approvals(obj), _evidence(obj), self.activity(request, obj)),
        )


def _notices(obj: Promotion) -> list[Notice]:
    if not _open(obj):
        return []
    waiting = [row["title"] for row in failed_checks(obj.checks)]
    if not waiting:
        return []
    return [Notice(f"Not passed when it was asked for: {', '.join(waiting)}.", "warning")]


def _checks(obj: Promotion) -> Panel:
    rows = [
        (
            check.get("title", check.get("code", "")),
            markup.badge("passed" if check.get("passed") is True else "failed"),
            "must pass" if check.get("blocking", True) else "informs",
            check.get("message", ""),
        )
        for check in obj.checks
    ]
    return table(
        "Checks",
        ("Check", "Result", "Meaning", "Detail"),
        rows,
        empty="No check was run.",
        hint="A check that is missing fails. They run again with the last approval.",
    )


def _approvals(obj: Promotion) -> Panel:
    rows = [
        (given.approver.username, given.role or "—", given.comment, markup.moment(given.created_at))
        for given in obj.approvals.select_related("approver")
    ]
    return table(
        "Approvals",
        ("Person", "Role", "Comment", "When"),
        rows,
        empty="Nobody approved yet. Choose Approve above.",
        hint=f"{len(rows)} of {obj.approvals_needed} that are needed.",
        wide=False,
    )


def _evidence(obj: Promotion) -> Panel | None:
    if not obj.evidence:
        return None
    return plain("Evidence", obj.evidence, wide=False)


def _facts(obj: Promotion) -> tuple[Fact, ...]:
    return (
        Fact("Version", markup.object_link(obj.version)),
        Fact("Present stage", markup.badge(obj.version.stage)),
        Fact("Target", markup.badge(obj.target)),
        Fact("Asked by", obj.requested_by.username),
        Fact("Asked", markup.moment(obj.created_at)),
        Fact("Open until", markup.moment(obj.expires_at), "ends then" if obj.expires_at else ""),
        Fact("Decided by", obj.decided_by.username if obj.decided_by else markup.NOTHING),
        Fact("Decided", markup.moment(obj.decided_at), obj.decision_comment),
        Fact("Id", markup.mono(obj.public_id)),
    )
