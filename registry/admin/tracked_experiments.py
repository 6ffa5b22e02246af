"""The console's page of the tracking server's experiments, and whose they are."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from unfold.decorators import display
from unfold.enums import ActionVariant

from hokusai.accounts.models import Project
from hokusai.accounts.permissions import projects_where
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.forms import DialogForm, offer
from hokusai.web.panels import Fact, Notice, Page, Panel, table
from registry import services
from registry.choices import MirrorState
from registry.models import TrackedExperiment
from registry.services.mapping import CLAIM

MANAGE = "registry.manage_tracking"


class MapDialog(DialogForm):
    """Which project an experiment belongs to."""

    project = forms.ModelChoiceField(Project.objects.none())

    def scope(self, user: Any) -> None:
        offer(self, "project", projects_where(user, "registry.map_experiment"))


@admin.register(TrackedExperiment)
class TrackedExperimentAdmin(ScopedAdmin):
    """Experiments of the tracking server, and the projects that they belong to."""

    view_permission = "core.view_job"
    empty_hint = "Experiments appear once the tracking server was looked at."
    list_display = ("name", "project", "waiting", "lifecycle", "changed")
    list_select_related = ("project", "mapped_by")
    search_fields = ("^name", "=experiment_id", "=public_id")
    actions_detail = ("map_to", "unmap")
    actions_row = ("map_to",)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Those of the person's projects, and those without one that name a project of theirs."""
        waiting = Count("versions", filter=Q(versions__state=MirrorState.INBOX))
        rows = super(ScopedAdmin, self).get_queryset(request).annotate(in_inbox=waiting)
        if request.user.is_superuser:
            return rows
        seen = projects_where(request.user, self.view_permission)
        owned = projects_where(request.user, "registry.map_experiment")
        slugs = list(owned.values_list("slug", flat=True))
        claimed = Q(project__isnull=True, **{f"tags__{CLAIM}__in": slugs})
        return rows.filter(Q(project__in=seen) | claimed)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What the list shows may be opened."""
        return self.has_module_permission(request)

    def may(self, request: HttpRequest, permission: str, obj: Any) -> bool:
        """Of what no project has, the owner of the project that it names."""
        if obj.project is None and not request.user.is_superuser:
            owned = projects_where(request.user, permission)
            return bool(owned.filter(slug=obj.tags.get(CLAIM, "")).exists())
        return super().may(request, permission, obj)

    @display(description="in the inbox")
    def waiting(self, obj: TrackedExperiment) -> int:
        return int(getattr(obj, "in_inbox", 0))

    @display(description="changed there", ordering="updated_at")
    def changed(self, obj: TrackedExperiment) -> str:
        return markup.moment(obj.updated_at)

    @dialog_action(
        Dialog(
            title="Map to a project",
            text="Its runs and versions belong to the project from now on, those that wait in the "
            "inbox too. Versions that another project has stay there.",
            submit="Map",
            needs="registry.map_experiment",
            icon="account_tree",
            form=MapDialog,
            variant=ActionVariant.PRIMARY,
        )
    )
    def map_to(self, request: HttpRequest, obj: TrackedExperiment, data: dict[str, Any]) -> str:
        services.map_experiment(
            experiment_id=obj.pk, project=data["project"], actor=self.actor(request)
        )
        return f"{obj} belongs to {data['project']}; what waited is on its way."

    @dialog_action(
        Dialog(
            title="Unmap",
            text="What is made in it from now on waits in the inbox. Versions stay where they are.",
            submit="Unmap",
            needs=MANAGE,
            icon="link_off",
            variant=ActionVariant.DANGER,
            when=lambda obj: obj.project_id is not None,
        )
    )
    def unmap(self, request: HttpRequest, obj: TrackedExperiment, data: dict[str, Any]) -> str:
        services.unmap_experiment(experiment_id=obj.pk, actor=self.actor(request))
        return f"{obj} belongs to no project now."

    def page(self, request: HttpRequest, obj: TrackedExperiment) -> Page:
        remade = obj.lifecycle == "remade"
        text = (
            "MLflow made another experiment under this id. It inherits no mapping: unmap it, and "
            "map it anew if it is to belong to the project."
        )
        return Page(
            title=obj.name,
            badges=(markup.badge("mapped" if obj.project else "unmapped", "info"),),
            notices=[Notice(text, "warning")] if remade else (),
            facts=(
                Fact("Project", markup.object_link(obj.project)),
                Fact("Mapped by", obj.mapped_by.username if obj.mapped_by else markup.NOTHING),
                Fact("Names the project", obj.tags.get(CLAIM, "—"), f"its tag {CLAIM}"),
                Fact("Number there", markup.mono(obj.experiment_id)),
                Fact("Server", obj.server),
                Fact("Lifecycle", obj.lifecycle),
                Fact("Made there", markup.moment(obj.created_at)),
                Fact("Changed there", markup.moment(obj.updated_at)),
                Fact("Id", markup.mono(obj.public_id)),
            ),
            panels=(_versions(obj), self.activity(request, obj)),
        )


def _versions(obj: TrackedExperiment) -> Panel:
    rows = [
        (str(row), markup.badge(row.state), markup.object_link(row.version))
        for row in obj.versions.select_related("version__model")[:20]
    ]
    headers = ("In MLflow", "State", "Here")
    return table("Versions", headers, rows, empty="No registered version came from it yet.")
