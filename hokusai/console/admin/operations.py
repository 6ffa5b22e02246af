from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from hokusai.core import services
from hokusai.core.choices import WorkStatus
from hokusai.core.models import Delivery, Event, Job
from hokusai.web import markup
from hokusai.web.admin import OperationsAdmin
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.panels import Fact, Notice, Page, Panel, plain

OPEN_REFRESH_S = 3
OPEN = (WorkStatus.QUEUED, WorkStatus.RUNNING)


@admin.register(Job)
class JobAdmin(OperationsAdmin):
    """Long work: how far it is, its last lines, and ways to stop it or try again."""

    view_permission = "core.view_job"
    empty_hint = "Jobs appear when a version is registered, compared or deployed."
    list_before_template = "console/refresh_list.html"
    list_display = ("name", "status_label", "done", "attempt", "created", "finished")
    list_filter = (("status", ChoicesDropdownFilter), ("created_at", admin.DateFieldListFilter))
    search_fields = ("=public_id", "=subject", "^kind", "^subject_label")
    actions_detail = ("cancel", "retry")
    actions_row = ("cancel", "retry")

    @display(description="job")
    def name(self, obj: Job) -> str:
        return str(obj)

    @display(description="state", ordering="status")
    def status_label(self, obj: Job) -> str:
        return markup.badge("stopping" if _stopping(obj) else obj.status)

    @display(description="progress", ordering="progress")
    def done(self, obj: Job) -> str:
        tone = markup.tone_of(obj.status) if obj.status in WorkStatus.terminal() else "info"
        return markup.progress(obj.progress, tone)

    @display(description="queued", ordering="created_at")
    def created(self, obj: Job) -> str:
        return markup.moment(obj.created_at)

    @display(description="ended", ordering="finished_at")
    def finished(self, obj: Job) -> str:
        return markup.moment(obj.finished_at)

    @dialog_action(
        Dialog(
            title="Cancel",
            text="A waiting job ends at once, a running one at its next step. Nothing is written.",
            submit="Cancel the job",
            needs="core.change_job",
            icon="stop_circle",
            variant=ActionVariant.DANGER,
            when=lambda obj: obj.status in OPEN and not obj.cancel_requested,
        )
    )
    def cancel(self, request: HttpRequest, obj: Job, data: dict[str, Any]) -> str:
        services.cancel_job(job_id=obj.pk, actor=self.actor(request))
        return "The job was asked to stop."

    @dialog_action(
        Dialog(
            title="Try again",
            text="Queue the job once more, with fresh attempts.",
            submit="Try again",
            needs="core.change_job",
            icon="refresh",
            when=lambda obj: obj.status in (WorkStatus.FAILED, WorkStatus.CANCELLED),
        )
    )
    def retry(self, request: HttpRequest, obj: Job, data: dict[str, Any]) -> str:
        services.retry_job(job_id=obj.pk, actor=self.actor(request))
        return "The job is queued again."

    def page(self, request: HttpRequest, obj: Job) -> Page:
        return Page(
            title=str(obj),
            badges=(self.status_label(obj),),
            notices=[Notice(obj.last_error, "danger")] if obj.last_error else (),
            facts=_job_facts(self, obj),
            panels=(
                plain("Log", obj.log, empty="Nothing yet.", hint="The last lines."),
                self.activity(request, obj),
            ),
            refresh_s=OPEN_REFRESH_S if obj.status in OPEN else 0,
        )


def _stopping(obj: Job) -> bool:
    return obj.cancel_requested and obj.status == WorkStatus.RUNNING


def _job_facts(page: JobAdmin, obj: Job) -> tuple[Fact, ...]:
    return (
        Fact("Progress", page.done(obj)),
        Fact("Kind", markup.mono(obj.kind)),
        Fact("Works on", markup.found_link(obj.subject_label or obj.subject, obj.subject)),
        Fact("Attempt", obj.attempt),
        Fact("Lease until", markup.moment(obj.lease_expires_at), "then another worker takes it"),
        Fact("Queued", markup.moment(obj.created_at)),
        Fact("Ended", markup.moment(obj.finished_at)),
        Fact("Request", markup.mono(obj.request_id, 16)),
        Fact("Id", markup.mono(obj.public_id)),
    )


@admin.register(Delivery)
class DeliveryAdmin(OperationsAdmin):
    """Events on their way to subscribers; a parked one waits for a person."""

    view_permission = "core.view_job"
    empty_hint = "Each event makes one delivery for each subscriber."
    project_path = "event__project_id"
    list_display = ("name", "status_label", "subscriber", "sequence", "attempt", "created")
    list_select_related = ("event",)
    list_filter = (("status", ChoicesDropdownFilter),)
    search_fields = ("=event__public_id", "=event__subject", "^stream")
    actions_detail = ("retry",)
    actions_row = ("retry",)

    @display(description="delivery")
    def name(self, obj: Delivery) -> str:
        return f"{obj.event}"

    @display(description="state", ordering="status")
    def status_label(self, obj: Delivery) -> str:
        return markup.badge(obj.status)

    @display(description="queued", ordering="created_at")
    def created(self, obj: Delivery) -> str:
        return markup.moment(obj.created_at)

    @dialog_action(
        Dialog(
            title="Deliver again",
            text="Try the parked delivery once more; those behind it in its stream follow.",
            submit="Deliver again",
            needs="core.change_job",
            icon="refresh",
            when=lambda obj: obj.status == WorkStatus.FAILED,
        )
    )
    def retry(self, request: HttpRequest, obj: Delivery, data: dict[str, Any]) -> str:
        services.retry_delivery(delivery_id=obj.pk, actor=self.actor(request))
        return "The delivery is queued again."

    def page(self, request: HttpRequest, obj: Delivery) -> Page:
        return Page(
            title=f"{obj.event} to {obj.subscriber.rpartition('.')[2]}",
            badges=(markup.badge(obj.status),),
            notices=[Notice(obj.last_error, "danger")] if obj.last_error else (),
            facts=(
                Fact("Event", markup.object_link(obj.event)),
                Fact("Subscriber", markup.mono(obj.subscriber)),
                Fact("Stream", markup.mono(obj.stream)),
                Fact("Sequence", obj.sequence, "in order within the stream"),
                Fact("Attempt", obj.attempt),
                Fact("Next try", markup.moment(obj.run_after)),
                Fact("Queued", markup.moment(obj.created_at)),
                Fact("Ended", markup.moment(obj.finished_at)),
            ),
        )


@admin.register(Event)
class EventAdmin(OperationsAdmin):
    """Who did what, with the state before and after; read only, for ever."""

    view_permission = "core.view_event"
    empty_hint = "Every change records one event."
    list_display = ("recorded", "tag", "subject_text", "actor_text")
    list_filter = (("recorded_at", admin.DateFieldListFilter),)
    search_fields = ("=public_id", "=subject", "^tag", "=actor")
    search_help_text = "By tag (version:registered), subject or actor."

    @display(description="when", ordering="recorded_at")
    def recorded(self, obj: Event) -> str:
        return markup.moment(obj.recorded_at)

    @display(description="what it happened to")
    def subject_text(self, obj: Event) -> str:
        return obj.subject_label or obj.subject

    @display(description="who")
    def actor_text(self, obj: Event) -> str:
        return obj.actor_label or obj.actor

    def page(self, request: HttpRequest, obj: Event) -> Page:
        return Page(
            title=obj.tag,
            facts=(
                Fact("When", markup.moment(obj.recorded_at)),
                Fact("Who", obj.actor_label or obj.actor, obj.actor),
                Fact("What", markup.found_link(obj.subject_label or obj.subject, obj.subject)),
                Fact("Request", markup.mono(obj.request_id, 16)),
                Fact("Digest", markup.mono(obj.digest, 16), "sha256 of the content"),
                Fact("Id", markup.mono(obj.public_id)),
            ),
            panels=(_difference(obj),),
        )


def _difference(obj: Event) -> Panel:
    names = sorted({*obj.before, *obj.after})
    lines = [
        (name, obj.before.get(name, ""), obj.after.get(name, ""), _changed(obj, name))
        for name in names
    ]
    return Panel("Before and after", "console/panels/difference.html", {"lines": lines})


def _changed(obj: Event, name: str) -> bool:
    absent = object()
    return obj.before.get(name, absent) != obj.after.get(name, absent)
