from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from deployments import services
from deployments.choices import DeploymentStatus, RevisionStatus
from deployments.models import Deployment, Revision
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.panels import Fact, Notice, Page, Panel, table

REVISIONS_SHOWN = 20
OPEN_REFRESH_S = 4
OPEN = (RevisionStatus.PENDING, RevisionStatus.STARTING)


def _serves(obj: Deployment) -> bool:
    return obj.status == DeploymentStatus.ACTIVE


@admin.register(Deployment)
class DeploymentAdmin(ScopedAdmin):
    """Places that serve."""

    view_permission = "deployments.view_deployment"
    empty_hint = "Open a version that is ready and choose Deploy."
    list_display = ("name", "status_label", "provider", "created_by", "created")
    list_select_related = ("model__project", "created_by")
    list_filter = (("status", ChoicesDropdownFilter),)
    search_fields = ("^model__model_id", "^slug", "=public_id")
    actions_detail = ("roll_back", "stop")

    @display(description="deployment")
    def name(self, obj: Deployment) -> str:
        return str(obj)

    @display(description="state", ordering="status")
    def status_label(self, obj: Deployment) -> str:
        return markup.badge(obj.status)

    @display(description="made", ordering="created_at")
    def created(self, obj: Deployment) -> str:
        return markup.moment(obj.created_at)

    @dialog_action(
        Dialog(
            title="Roll back",
            text="Serve the revision that was live before this one.",
            submit="Roll back",
            needs="deployments.deploy",
            icon="undo",
            variant=ActionVariant.WARNING,
            when=_serves,
        )
    )
    def roll_back(self, request: HttpRequest, obj: Deployment, data: dict[str, Any]) -> str:
        revision = services.roll_back(deployment_id=obj.pk, actor=self.actor(request))
        return f"Rolling back: {revision} is being rolled out."

    @dialog_action(
        Dialog(
            title="Stop",
            text="End serving. Predictions will be refused until something is deployed again.",
            submit="Stop",
            needs="deployments.deploy",
            icon="stop_circle",
            variant=ActionVariant.DANGER,
            when=_serves,
        )
    )
    def stop(self, request: HttpRequest, obj: Deployment, data: dict[str, Any]) -> str:
        services.stop_deployment(deployment_id=obj.pk, actor=self.actor(request))
        return f"{obj} has stopped."

    def page(self, request: HttpRequest, obj: Deployment) -> Page:
        revisions = list(obj.revisions.select_related("version__model")[:REVISIONS_SHOWN])
        live = next((r for r in revisions if r.status == RevisionStatus.LIVE), None)
        notices = [Notice(f"{r}: {r.error}", "danger") for r in revisions[:1] if r.error]
        return Page(
            title=str(obj),
            badges=(markup.badge(obj.status),),
            notices=notices,
            facts=(
                Fact("Model", markup.object_link(obj.model)),
                Fact("Serves", markup.object_link(live.version) if live else markup.NOTHING),
                Fact("Provider", markup.mono(obj.provider)),
                Fact("Predict at", markup.mono(f"/api/v1/models/{obj.model.model_id}/predict")),
                Fact("Made by", obj.created_by.username),
                Fact("Id", markup.mono(obj.public_id)),
            ),
            panels=(_revisions(revisions), self.activity(request, obj)),
            refresh_s=OPEN_REFRESH_S if any(r.status in OPEN for r in revisions) else 0,
        )


def _revisions(revisions: list[Revision]) -> Panel:
    rows = [
        (
            markup.object_link(revision, f"revision {revision.number}"),
            markup.object_link(revision.version),
            markup.badge(revision.status),
            markup.moment(revision.live_at),
            markup.moment(revision.ended_at),
        )
        for revision in revisions
    ]
    headers = ("Revision", "Version", "State", "Live since", "Ended")
    return table("Revisions", headers, rows, empty="None yet.")
