"""The console's page of the inbox: versions of the tracking server."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from hokusai.accounts.models import Project
from hokusai.accounts.permissions import projects_where
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.forms import DialogForm, offer
from hokusai.web.panels import Fact, Page, Panel, table
from registry import services
from registry.choices import MirrorState
from registry.models import TrackedVersion

MANAGE = "registry.manage_tracking"
VALUE_SHOWN = 60


class AssignDialog(DialogForm):
    """Where to, and how much of it."""

    project = forms.ModelChoiceField(Project.objects.none())
    whole_model = forms.BooleanField(
        required=False, label="All versions of this name that wait in the inbox"
    )

    def scope(self, user: Any) -> None:
        offer(self, "project", projects_where(user, "registry.register_version"))


class WholeDialog(DialogForm):
    """Whether the others of the name go along."""

    whole_model = forms.BooleanField(
        required=False, label="All versions of this name in the same state"
    )


class AdministratorsAdmin(ScopedAdmin):
    """Rows of no project: administrators alone see them."""

    view_permission = MANAGE

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        rows = super(ScopedAdmin, self).get_queryset(request)
        return rows if request.user.is_superuser else rows.none()


@admin.register(TrackedVersion)
class InboxAdmin(AdministratorsAdmin):
    """Versions of the tracking server; those in the inbox wait for a project."""

    empty_hint = (
        "Nothing was made in MLflow outside the platform. What is, and whose experiment no project "
        "claims, waits here."
    )
    list_display = ("name_label", "state_label", "experiment", "run", "made", "twin")
    list_select_related = ("experiment", "version__model")
    list_filter = (("state", ChoicesDropdownFilter),)
    search_fields = ("^name", "=run_id", "=public_id")
    search_help_text = "By the name in MLflow, the run or the id."
    actions_detail = ("assign", "ignore", "unignore")
    actions_row = ("assign", "ignore")

    @display(description="version in MLflow", ordering="name")
    def name_label(self, obj: TrackedVersion) -> str:
        return str(obj)

    @display(description="state", ordering="state")
    def state_label(self, obj: TrackedVersion) -> str:
        if obj.missing_since is not None:
            return markup.badge("missing", "danger")
        tones = {MirrorState.INBOX: "warning", MirrorState.LINKED: "success"}
        return markup.badge(obj.state, tones.get(MirrorState(obj.state), "quiet"))

    @display(description="run")
    def run(self, obj: TrackedVersion) -> str:
        return markup.mono(obj.run_id, 12)

    @display(description="made there", ordering="created_at")
    def made(self, obj: TrackedVersion) -> str:
        return markup.moment(obj.created_at)

    @display(description="version here")
    def twin(self, obj: TrackedVersion) -> str:
        return markup.object_link(obj.version)

    @dialog_action(
        Dialog(
            title="Assign",
            text="The version becomes one of the project, with its run, metrics and tags; its "
            "bytes are copied and scanned before it can be promoted.",
            submit="Assign",
            needs=MANAGE,
            icon="move_to_inbox",
            form=AssignDialog,
            variant=ActionVariant.PRIMARY,
            when=lambda obj: obj.state == MirrorState.INBOX,
        )
    )
    def assign(self, request: HttpRequest, obj: TrackedVersion, data: dict[str, Any]) -> str:
        made = services.assign_tracked(
            tracked_ids=_chosen(obj, data), project=data["project"], actor=self.actor(request)
        )
        return f"{len(made)} versions belong to {data['project']}."

    @dialog_action(
        Dialog(
            title="Ignore",
            text="Put it aside. It stays in MLflow, and can be put back into the inbox.",
            submit="Ignore",
            needs=MANAGE,
            icon="visibility_off",
            form=WholeDialog,
            when=lambda obj: obj.state == MirrorState.INBOX,
        )
    )
    def ignore(self, request: HttpRequest, obj: TrackedVersion, data: dict[str, Any]) -> str:
        rows = _chosen(obj, data)
        services.ignore_tracked(tracked_ids=rows, actor=self.actor(request))
        return f"{len(rows)} versions were put aside."

    @dialog_action(
        Dialog(
            title="Back to the inbox",
            text="Let it wait for a project again.",
            submit="Put back",
            needs=MANAGE,
            icon="inbox",
            form=WholeDialog,
            when=lambda obj: obj.state == MirrorState.IGNORED,
        )
    )
    def unignore(self, request: HttpRequest, obj: TrackedVersion, data: dict[str, Any]) -> str:
        rows = _chosen(obj, data)
        services.unignore_tracked(tracked_ids=rows, actor=self.actor(request))
        return f"{len(rows)} versions wait in the inbox."

    def page(self, request: HttpRequest, obj: TrackedVersion) -> Page:
        return Page(
            title=str(obj),
            badges=(self.state_label(obj),),
            lead=obj.description,
            facts=_facts(obj),
            panels=(
                _values("Metrics of the run", obj.metrics, "The run measured nothing."),
                _values("Parameters of the run", obj.parameters, "The run states none."),
                _values("Tags", obj.tags, "No tag in MLflow."),
                self.activity(request, obj),
            ),
        )


def _chosen(obj: TrackedVersion, data: dict[str, Any]) -> list[int]:
    """The version, or all of its name in its state."""
    if not data.get("whole_model"):
        return [obj.pk]
    same = TrackedVersion.objects.filter(server=obj.server, name=obj.name, state=obj.state)
    return list(same.values_list("pk", flat=True)[: services.INBOX_AT_ONCE])


def _facts(obj: TrackedVersion) -> tuple[Fact, ...]:
    return (
        Fact("Name", markup.mono(obj.name)),
        Fact("Number there", obj.number),
        Fact("Version here", markup.object_link(obj.version)),
        Fact("Experiment", markup.object_link(obj.experiment)),
        Fact("Run", markup.mono(obj.run_id)),
        Fact("Source", markup.mono(obj.source, VALUE_SHOWN)),
        Fact("Server", obj.server),
        Fact("Made there", markup.moment(obj.created_at)),
        Fact("Changed there", markup.moment(obj.updated_at)),
        Fact("Missing since", markup.moment(obj.missing_since)),
        Fact("Id", markup.mono(obj.public_id)),
    )


def _values(title: str, values: dict[str, Any], empty: str) -> Panel:
    rows = [(name, markup.cut(str(value), VALUE_SHOWN)) for name, value in sorted(values.items())]
    return table(title, ("Name", "Value"), rows, empty=empty, wide=False)
