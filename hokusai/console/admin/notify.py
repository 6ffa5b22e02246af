from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from hokusai.accounts.models import Project
from hokusai.accounts.permissions import projects_where
from hokusai.console.admin.keys import ShownOnceAdmin
from hokusai.core.choices import WorkStatus
from hokusai.core.errors import Forbidden
from hokusai.notify import services
from hokusai.notify.addresses import MAX_URL
from hokusai.notify.choices import Topic
from hokusai.notify.models import Webhook, WebhookDelivery
from hokusai.notify.services import Shown
from hokusai.web import markup
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.forms import ConsoleForm, DialogForm, field_of, offer
from hokusai.web.panels import Fact, Notice, Page, Panel, table

DELIVERIES_SHOWN = 20
MANAGE = "notify.manage_webhooks"


class WebhookForm(ConsoleForm):
    """A new address that is told of a project's events."""

    project = forms.ModelChoiceField(Project.objects.none())
    url = forms.CharField(label="Address", max_length=MAX_URL, help_text="Begins with https://.")
    topics = forms.MultipleChoiceField(
        choices=Topic.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )

    def scope(self, user: Any) -> None:
        offer(self, "project", projects_where(user, MANAGE))


class WebhookDialog(DialogForm):
    """What a webhook is told of, and where it is."""

    url = forms.CharField(label="Address", max_length=MAX_URL, help_text="Begins with https://.")
    topics = forms.MultipleChoiceField(
        choices=Topic.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )

    def scope(self, user: Any) -> None:
        webhook = Webhook.objects.filter(pk=self.object_id).first()
        if webhook is not None:
            field_of(self, "url", forms.CharField).initial = webhook.url
            field_of(self, "topics", forms.MultipleChoiceField).initial = webhook.topics


def _present(obj: Webhook) -> bool:
    return obj.removed_at is None


ROTATE = Dialog(
    title="Rotate the secret",
    text="The new secret is shown once. The old one signs beside it for 24 hours, so that the "
    "receiver has time to change.",
    submit="Rotate the secret",
    needs=MANAGE,
    icon="key",
    when=_present,
)


@admin.register(Webhook)
class WebhookAdmin(ShownOnceAdmin):
    """Addresses that are told of what happens."""

    view_permission = MANAGE
    add_permission = MANAGE
    add_form = WebhookForm
    add_lead = (
        "The address gets a signed message (Standard Webhooks) for each event of these topics. "
        "The secret to verify it with is shown once."
    )
    kept_note = "It signs what is sent; a lost one is replaced by rotating it."
    empty_hint = "Add one to have a chat, a build server or a program told of what happens."
    list_display = ("address", "project", "topic_count", "state", "created")
    list_select_related = ("project", "made_by")
    list_filter = ("active",)
    search_fields = ("^url", "=public_id", "^project__slug")
    actions_detail = ("test", "edit", "switch_on", "switch_off", "rotate", "remove")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Webhook]:
        """Webhooks of the projects that the person owns; removed ones with their history."""
        allowed = projects_where(request.user, MANAGE)
        return super().get_queryset(request).filter(project__in=allowed)

    @display(description="address", ordering="url")
    def address(self, obj: Webhook) -> str:
        return str(obj)

    @display(description="topics")
    def topic_count(self, obj: Webhook) -> str:
        return f"{len(obj.topics)} of {len(Topic)}"

    @display(description="state")
    def state(self, obj: Webhook) -> str:
        return markup.badge(*_state(obj))

    @display(description="made", ordering="created_at")
    def created(self, obj: Webhook) -> str:
        return markup.moment(obj.created_at)

    def create(self, request: HttpRequest, data: dict[str, Any]) -> Shown:
        if not self.may(request, MANAGE, data["project"]):
            raise Forbidden("You may not add webhooks to this project.")
        return services.create_webhook(actor=self.actor(request), **data)

    @dialog_action(
        Dialog(
            title="Send a test",
            text="Sends one message of the type webhook.test, without a retry.",
            submit="Send",
            needs=MANAGE,
            icon="send",
            when=_present,
        )
    )
    def test(self, request: HttpRequest, obj: Webhook, data: dict[str, Any]) -> str:
        services.send_test(webhook_id=obj.pk, actor=self.actor(request))
        return "A test is on its way; it appears below."

    @dialog_action(
        Dialog(
            title="Change",
            text="Messages that were queued before go to the new address too.",
            submit="Save",
            needs=MANAGE,
            icon="edit",
            form=WebhookDialog,
            when=_present,
        )
    )
    def edit(self, request: HttpRequest, obj: Webhook, data: dict[str, Any]) -> str:
        services.change_webhook(
            webhook_id=obj.pk,
            url=data["url"],
            topics=data["topics"],
            actor=self.actor(request),
        )
        return "The webhook was changed."

    @dialog_action(
        Dialog(
            title="Switch on",
            text="What happens from now on is sent; what was missed can be sent again by hand.",
            submit="Switch on",
            needs=MANAGE,
            icon="play_circle",
            when=lambda obj: _present(obj) and not obj.active,
        )
    )
    def switch_on(self, request: HttpRequest, obj: Webhook, data: dict[str, Any]) -> str:
        services.change_webhook(webhook_id=obj.pk, active=True, actor=self.actor(request))
        return "The webhook is on."

    @dialog_action(
        Dialog(
            title="Switch off",
            text="Nothing is sent until it is switched on again; what waits is cancelled.",
            submit="Switch off",
            needs=MANAGE,
            icon="pause_circle",
            when=lambda obj: _present(obj) and obj.active,
        )
    )
    def switch_off(self, request: HttpRequest, obj: Webhook, data: dict[str, Any]) -> str:
        services.change_webhook(webhook_id=obj.pk, active=False, actor=self.actor(request))
        return "The webhook is off."

    @action(description=ROTATE.title, icon=ROTATE.icon)
    def rotate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask first; then show the secret in the answer itself, as for a new webhook."""
        obj = self.object_or_404(request, object_id)
        if not (self.may(request, MANAGE, obj) and ROTATE.when(obj)):
            raise PermissionDenied
        if request.method == "POST":
            shown = services.rotate_secret(webhook_id=obj.pk, actor=self.actor(request))
            return self.added(request, shown)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": ROTATE.submit,
            "form": ConsoleForm(request=request),
            "lead": f"{obj}\n{ROTATE.text}",
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "console/form.html", context)

    # What decides whether a page offers the action.
    rotate.console_dialog = ROTATE

    @dialog_action(
        Dialog(
            title="Remove",
            text="Nothing is sent any more, and the secret is forgotten. There is no way back.",
            submit="Remove",
            needs=MANAGE,
            icon="delete",
            variant=ActionVariant.DANGER,
            when=_present,
        )
    )
    def remove(self, request: HttpRequest, obj: Webhook, data: dict[str, Any]) -> str:
        services.remove_webhook(webhook_id=obj.pk, actor=self.actor(request))
        return "The webhook was removed."

    def page(self, request: HttpRequest, obj: Webhook) -> Page:
        return Page(
            title=str(obj),
            badges=(self.state(obj),),
            notices=_notices(obj),
            facts=_facts(obj),
            panels=(_history(obj), self.activity(request, obj)),
        )


def _state(obj: Webhook) -> tuple[str, str]:
    if obj.removed_at is not None:
        return "removed", "quiet"
    if not obj.active:
        return ("disabled", "danger") if obj.disabled_reason else ("off", "quiet")
    return ("failing", "warning") if obj.failing_since else ("active", "success")


def _notices(obj: Webhook) -> list[Notice]:
    if obj.disabled_reason:
        again = "Switch it on again once the receiver is well."
        return [Notice(f"Switched off: {obj.disabled_reason} {again}", "danger")]
    if obj.failing_since and obj.active:
        return [Notice("Messages fail; see the deliveries below for what was answered.", "warning")]
    return []


def _facts(obj: Webhook) -> tuple[Fact, ...]:
    return (
        Fact("Address", markup.mono(obj.url)),
        Fact("Project", markup.object_link(obj.project)),
        Fact("Topics", ", ".join(obj.topics)),
        Fact("Messages", markup.link("all of them", _all_url(obj))),
        Fact("Failing since", markup.moment(obj.failing_since)),
        Fact("Old secret signs until", markup.moment(obj.old_secret_until)),
        Fact("Made by", obj.made_by.username),
        Fact("Made", markup.moment(obj.created_at)),
        Fact("Id", markup.mono(obj.public_id)),
    )


def _all_url(obj: Webhook) -> str:
    return reverse("admin:notify_webhookdelivery_changelist") + f"?q={obj.public_id}"


def _history(obj: Webhook) -> Panel:
    deliveries = obj.deliveries.prefetch_related("attempts")[:DELIVERIES_SHOWN]
    rows = [_line(delivery) for delivery in deliveries]
    return table(
        "Deliveries",
        ("Message", "State", "Attempts", "Last answer", "Queued", "Next attempt"),
        rows,
        empty="Nothing was sent yet. Send a test with the action above.",
        hint=f"The last {DELIVERIES_SHOWN}; a message opens its attempts.",
    )


def _line(delivery: WebhookDelivery) -> tuple[Any, ...]:
    attempts = list(delivery.attempts.all())
    waiting = delivery.status == WorkStatus.QUEUED
    return (
        markup.object_link(delivery, delivery.type),
        markup.badge(delivery.status),
        len(attempts),
        markup.cut(str(attempts[-1]), 60) if attempts else markup.NOTHING,
        markup.moment(delivery.created_at),
        markup.moment(delivery.run_after) if waiting else markup.NOTHING,
    )
