"""What a person is told of: their mail, and the page on which they choose."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from hokusai.accounts.services import person_of
from hokusai.core.choices import WorkStatus
from hokusai.notify import services
from hokusai.notify.models import Message
from hokusai.notify.reports import ProjectChoices, choices_of
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.forms import ConsoleForm
from hokusai.web.panels import Fact, Notice, Page, plain

OWN = "notify.use_notifications"


class ChoicesForm(ConsoleForm):
    """One switch for each topic of a project."""

    def __init__(self, *args: Any, own: ProjectChoices, **kwargs: Any) -> None:
        self.own = own
        super().__init__(*args, prefix=own.project.slug, **kwargs)

    def scope(self, user: Any) -> None:
        for choice in self.own.topics:
            self.fields[choice.topic.value] = forms.BooleanField(
                required=False,
                label=choice.topic.label,
                initial=choice.wanted,
                help_text="" if choice.chosen is None else "Your choice.",
            )

    def changes(self) -> dict[str, bool | None]:
        """What differs from how it was, by topic."""
        return {
            choice.topic.value: self.cleaned_data[choice.topic.value]
            for choice in self.own.topics
            if self.cleaned_data[choice.topic.value] != choice.wanted
        }


@admin.register(Message)
class MessageAdmin(ScopedAdmin):
    """One's own mail about what happened."""

    view_permission = OWN
    empty_hint = "Mail about your projects appears here. Choose what you are told of."
    list_before_template = "console/messages_head.html"
    list_display = ("subject", "project", "topic", "state", "created")
    list_select_related = ("project", "recipient", "event")
    list_filter = (("status", ChoicesDropdownFilter), ("topic", ChoicesDropdownFilter))
    search_fields = ("=public_id", "=event__subject", "^project__slug")
    actions_detail = ("retry",)

    def get_urls(self) -> list[URLPattern]:
        """The page of choices comes before the pages of messages."""
        page = self.admin_site.admin_view(self.choices)
        urls: list[URLPattern] = super().get_urls()
        return [path("choices/", page, name="notify_message_choices"), *urls]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        """One's own; a superuser sees whether others' arrived."""
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(recipient=request.user)

    @display(description="state", ordering="status")
    def state(self, obj: Message) -> str:
        sent = obj.status == WorkStatus.SUCCEEDED
        return markup.badge("sent", "success") if sent else markup.badge(obj.status)

    @display(description="queued", ordering="created_at")
    def created(self, obj: Message) -> str:
        return markup.moment(obj.created_at)

    @dialog_action(
        Dialog(
            title="Send again",
            text="Mail this message to you once more.",
            submit="Send again",
            needs=OWN,
            icon="refresh",
            when=lambda obj: obj.status in (WorkStatus.FAILED, WorkStatus.CANCELLED),
        )
    )
    def retry(self, request: HttpRequest, obj: Message, data: dict[str, Any]) -> str:
        services.retry_message(message_id=obj.pk, actor=self.actor(request))
        return "The message is queued again."

    def page(self, request: HttpRequest, obj: Message) -> Page:
        return Page(
            title=obj.subject,
            badges=(self.state(obj),),
            notices=[Notice(obj.last_error, "warning")] if obj.last_error else (),
            facts=(
                Fact("To", obj.recipient.username),
                Fact("Project", markup.object_link(obj.project)),
                Fact("About", markup.found_link(_about(obj), obj.event.subject)),
                Fact("Queued", markup.moment(obj.created_at)),
                Fact("Ended", markup.moment(obj.finished_at)),
                Fact("Id", markup.mono(obj.public_id)),
            ),
            panels=(plain("Text", obj.body),),
        )

    @method_decorator(csrf_protect)
    def choices(self, request: HttpRequest) -> HttpResponse:
        """Show what one is told of in each project; keep what is sent for one of them."""
        own = choices_of(person_of(request.user))
        if request.method == "POST":
            return self._chosen(request, own)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "My notifications",
            "forms": [ChoicesForm(request=request, own=each) for each in own],
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "console/notifications.html", context)

    def _chosen(self, request: HttpRequest, own: list[ProjectChoices]) -> HttpResponse:
        slug = request.POST.get("project", "")
        mine = next((each for each in own if each.project.slug == slug), None)
        if mine is None:
            raise Http404
        form = ChoicesForm(request.POST, request=request, own=mine)
        form.full_clean()
        reset = "reset" in request.POST
        services.choose(
            project=mine.project,
            user=person_of(request.user),
            choices={each.topic.value: None for each in mine.topics} if reset else form.changes(),
            actor=self.actor(request),
        )
        messages.success(request, f"Your choices for {mine.project} are kept.")
        return HttpResponseRedirect(reverse("admin:notify_message_choices"))


def _about(obj: Message) -> str:
    return obj.event.subject_label or obj.event.subject
