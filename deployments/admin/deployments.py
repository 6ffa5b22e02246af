from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.views import ChangeList

from deployments import board, board_cells, services
from deployments.admin import deployment_page, log_panels
from deployments.admin.dialogs import RollBackDialog, SettingsDialog, changes_of
from deployments.admin.filters import ProjectFilter, StateFilter
from deployments.admin.trying import tried_panel
from deployments.board import Standing
from deployments.choices import DeploymentStatus
from deployments.models import Deployment
from hokusai.web.admin import ScopedAdmin
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.panels import Page

PREDICT = "deployments.predict"


def _serves(obj: Deployment) -> bool:
    return obj.status == DeploymentStatus.ACTIVE


def _can_roll_back(obj: Deployment) -> bool:
    return _serves(obj) and services.rollback_target(obj) is not None


class BoardList(ChangeList):
    """The list with what each deployment does at this moment."""

    def get_results(self, request: HttpRequest) -> None:
        """One page; its figures cost two queries and one look into Redis."""
        super().get_results(request)
        rows: list[Any] = list(self.result_list)
        found = board.standings(rows)
        for row in rows:
            row.standing = found[row.pk]
        self.result_list: list[Any] = rows
        self.board = board.summary(list(found.values()))
        self.board_context = {"figures": board_cells.figures(self.board)}


@admin.register(Deployment)
class DeploymentAdmin(ScopedAdmin):
    """The serving board, and a page for each place that serves."""

    view_permission = "deployments.view_deployment"
    empty_hint = "Open a version that is ready and choose Deploy."
    list_before_template = "console/serving_head.html"
    list_display = (
        "name",
        "state_label",
        "environment_label",
        "version_label",
        "requests_label",
        "latency_label",
        "errors_label",
        "memory_label",
        "tier_label",
        "restarts_label",
        "since_label",
    )
    list_select_related = ("model__project", "created_by")
    list_filter = (ProjectFilter, ("environment", ChoicesDropdownFilter), StateFilter)
    search_fields = ("^model__model_id", "^slug", "=public_id")
    ordering = ("status", "-id")
    actions_detail = ("roll_back", "settings", "stop")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[BoardList]:
        return BoardList

    @display(description="deployment")
    def name(self, obj: Deployment) -> str:
        return str(obj)

    @display(description="state")
    def state_label(self, obj: Any) -> str:
        return board_cells.state(obj.standing)

    @display(description="environment", ordering="environment")
    def environment_label(self, obj: Any) -> str:
        return board_cells.environment(obj.standing)

    @display(description="version")
    def version_label(self, obj: Any) -> str:
        return board_cells.version(obj.standing)

    @display(description="requests/s")
    def requests_label(self, obj: Any) -> str:
        return board_cells.requests(obj.standing)

    @display(description="p50 / p95")
    def latency_label(self, obj: Any) -> str:
        return board_cells.latency(obj.standing)

    @display(description="errors")
    def errors_label(self, obj: Any) -> str:
        return board_cells.errors(obj.standing)

    @display(description="memory")
    def memory_label(self, obj: Any) -> str:
        return board_cells.memory(obj.standing)

    @display(description="isolation")
    def tier_label(self, obj: Any) -> str:
        return board_cells.tier(obj.standing)

    @display(description="restarts")
    def restarts_label(self, obj: Any) -> str:
        return board_cells.restarts(obj.standing)

    @display(description="since")
    def since_label(self, obj: Any) -> str:
        return board_cells.since(obj.standing)

    @dialog_action(
        Dialog(
            title="Roll back",
            text="Serve the version that was live before this one.",
            submit="Roll back",
            needs="deployments.deploy",
            icon="undo",
            form=RollBackDialog,
            variant=ActionVariant.WARNING,
            when=_can_roll_back,
        )
    )
    def roll_back(self, request: HttpRequest, obj: Deployment, data: dict[str, Any]) -> str:
        revision = services.roll_back(deployment_id=obj.pk, actor=self.actor(request))
        if revision.status == "live":
            return f"Rolled back: v{revision.version.number} serves again."
        return f"Rolling back: {revision} is being rolled out."

    @dialog_action(
        Dialog(
            title="Settings",
            text="How this deployment serves. What serves now goes on; the next request keeps to "
            "what you save.",
            submit="Save settings",
            needs="deployments.deploy",
            icon="tune",
            form=SettingsDialog,
            stays=True,
        )
    )
    def settings(self, request: HttpRequest, obj: Deployment, data: dict[str, Any]) -> str:
        changes = changes_of(obj, data)
        if not changes:
            return "Nothing was changed."
        services.configure(deployment_id=obj.pk, actor=self.actor(request), **changes)
        return f"Saved: {', '.join(name.replace('_', ' ') for name in sorted(changes))}."

    @dialog_action(
        Dialog(
            title="Stop",
            text="End serving. Predictions will be refused until something is deployed again.",
            submit="Stop serving",
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
        return deployment_page.page_of(
            obj,
            range_name=request.GET.get(log_panels.RANGE, ""),
            may_predict=self.may(request, PREDICT, obj),
            may_read_log=self.may(request, "deployments.view_predictionlog", obj),
            may_read_events=self.may(request, "core.view_event", obj),
        )

    def get_urls(self) -> list[Any]:
        """With the figures of now, and the form that tries it."""
        wrap = self.admin_site.admin_view
        name = "deployments_deployment"
        own = [
            path("<int:object_id>/now/", wrap(self.now_view), name=f"{name}_now"),
            path("<int:object_id>/try/", wrap(self.try_view), name=f"{name}_try"),
        ]
        return [*own, *super().get_urls()]

    def now_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The figures of now alone, for the page to put in place of older ones."""
        obj = self.object_or_404(request, str(object_id))
        context = {"it": deployment_page.now_context(obj, self._standing(obj))}
        return TemplateResponse(request, "console/panels/now.html", context)

    def try_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """A prediction, on a page of its own for browsers without scripts."""
        obj = self.object_or_404(request, str(object_id))
        self.require(request, PREDICT, obj)
        standing = self._standing(obj)
        panel = tried_panel(obj, standing.revision if standing.live else None, request)
        return self.render_page(request, obj, Page(title=str(obj), panels=(panel,)))

    def require(self, request: HttpRequest, permission: str, obj: Deployment) -> None:
        """Raises PermissionDenied where the person's role is short."""
        if not self.may(request, permission, obj):
            raise PermissionDenied

    def _standing(self, obj: Deployment) -> Standing:
        return board.standings([obj])[obj.pk]
