from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from hokusai.accounts.permissions import projects_where
from hokusai.core.choices import WorkStatus
from hokusai.notify import services
from hokusai.notify.models import WebhookDelivery
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.panels import Fact, Notice, Page, Panel, plain, table

OPEN_REFRESH_S = 3
MANAGE = "notify.manage_webhooks"


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ScopedAdmin):
    """Messages on their way to webhooks, with every attempt."""

    view_permission = MANAGE
    empty_hint = "Each event makes one message for each webhook that listens to its topic."
    list_before_template = "console/refresh_list.html"
    list_display = ("name", "state", "webhook", "attempt", "created", "finished")
    list_select_related = ("webhook__project", "event")
    list_filter = (("status", ChoicesDropdownFilter),)
    search_fields = ("=public_id", "=event__public_id", "=webhook__public_id")
    actions_detail = ("resend",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookDelivery]:
        """Those of the projects that the person owns."""
        allowed = projects_where(request.user, MANAGE)
        return super().get_queryset(request).filter(webhook__project__in=allowed)

    @display(description="message", ordering="type")
    def name(self, obj: WebhookDelivery) -> str:
        return obj.type

    @display(description="state", ordering="status")
    def state(self, obj: WebhookDelivery) -> str:
        return markup.badge(obj.status)

    @display(description="queued", ordering="created_at")
    def created(self, obj: WebhookDelivery) -> str:
        return markup.moment(obj.created_at)

    @display(description="ended", ordering="finished_at")
    def finished(self, obj: WebhookDelivery) -> str:
        return markup.moment(obj.finished_at)

    @dialog_action(
        Dialog(
            title="Send again",
            text="The same message under the same id, with fresh attempts.",
            submit="Send again",
            needs=MANAGE,
            icon="refresh",
            when=lambda obj: obj.status in WorkStatus.terminal(),
        )
    )
    def resend(self, request: HttpRequest, obj: WebhookDelivery, data: dict[str, Any]) -> str:
        services.resend(delivery_id=obj.pk, actor=self.actor(request))
        return "The message is queued again."

    def page(self, request: HttpRequest, obj: WebhookDelivery) -> Page:
        ended = obj.status in WorkStatus.terminal()
        return Page(
            title=str(obj),
            badges=(markup.badge(obj.status),),
            notices=[Notice(obj.last_error, "danger")] if obj.last_error else (),
            facts=(
                Fact("Webhook", markup.object_link(obj.webhook)),
                Fact("Event", markup.object_link(obj.event)),
                Fact("Queued", markup.moment(obj.created_at)),
                Fact("Next attempt", markup.NOTHING if ended else markup.moment(obj.run_after)),
                Fact("Ended", markup.moment(obj.finished_at)),
                Fact("Id", markup.mono(obj.public_id), "the header webhook-id"),
            ),
            panels=(_attempts(obj), plain("Body", obj.body, hint="What is signed and sent.")),
            refresh_s=0 if ended else OPEN_REFRESH_S,
        )


def _attempts(obj: WebhookDelivery) -> Panel:
    rows = [
        (
            markup.moment(attempt.sent_at),
            attempt.status_code or "no answer",
            f"{attempt.duration_ms} ms",
            attempt.error or "—",
            markup.mono(attempt.answer, 120),
        )
        for attempt in obj.attempts.all()
    ]
    return table(
        "Attempts",
        ("When", "Status", "Took", "Error", "Answer"),
        rows,
        empty="None yet: a worker takes it up within seconds.",
    )
