from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display

from experiments import histories
from experiments.admin.run_panels import compared_page, run_page, state_badge
from experiments.models import Run
from experiments.run_reports import RUNS_COMPARED
from hokusai.core.models import Job
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.panels import Page
from registry.models import ModelVersion

VERSIONS_SHOWN = 20
SEPARATOR = "-"
KEY_DIGITS = 18
NAME_SHOWN = 60


@admin.register(Run)
class RunAdmin(ScopedAdmin):
    """Runs of mapped experiments, as the tracking server has them."""

    view_permission = "experiments.view_run"
    empty_hint = (
        "Runs come from MLflow. Map one of its experiments to this project; its runs are here "
        "a minute later."
    )
    list_display = (
        "name_label",
        "status_label",
        "experiment_label",
        "metric_label",
        "user",
        "started",
        "duration",
    )
    list_select_related = ("experiment__project",)
    list_filter = (
        ("status", ChoicesDropdownFilter),
        ("lifecycle", ChoicesDropdownFilter),
        ("started_at", admin.DateFieldListFilter),
    )
    search_fields = ("=public_id", "^run_id", "name", "^experiment__name", "^user")
    ordering = ("-started_at", "-id")
    actions: Any = ("compare",)
    actions_detail = ("fetch_curves",)

    @display(description="run", ordering="name")
    def name_label(self, obj: Run) -> str:
        return markup.cut(str(obj), NAME_SHOWN)

    @display(description="state", ordering="status")
    def status_label(self, obj: Run) -> str:
        return state_badge(obj)

    @display(description="experiment")
    def experiment_label(self, obj: Run) -> str:
        return markup.cut(obj.experiment.name, NAME_SHOWN)

    @display(description="first metric")
    def metric_label(self, obj: Run) -> str:
        name = min(obj.metrics, default="")
        return f"{name} {obj.metrics[name]:.4g}" if name else "—"

    @display(description="started", ordering="started_at")
    def started(self, obj: Run) -> str:
        return markup.moment(obj.started_at)

    @display(description="took")
    def duration(self, obj: Run) -> str:
        return duration_of(obj)

    @action(description="Compare", permissions=["view"], icon="compare_arrows")
    def compare(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        """Open the chosen runs side by side."""
        chosen = list(queryset.values_list("pk", flat=True)[: RUNS_COMPARED + 1])
        if not 1 < len(chosen) <= RUNS_COMPARED:
            text = f"Choose two to {RUNS_COMPARED} runs to compare."
            self.message_user(request, text, messages.WARNING)
            return None
        return HttpResponseRedirect(compare_url(chosen))

    @dialog_action(
        Dialog(
            title="Fetch curves",
            text="All values of this run's metrics are fetched from MLflow and kept here.",
            submit="Fetch",
            needs="experiments.view_run",
            icon="show_chart",
            when=lambda obj: bool(obj.metrics),
        )
    )
    def fetch_curves(self, request: HttpRequest, obj: Run, data: dict[str, Any]) -> str:
        histories.request_history(run_id=obj.pk, actor=self.actor(request))
        return "The curves are being fetched; this page shows them as they come."

    def page(self, request: HttpRequest, obj: Run) -> Page:
        made = ModelVersion.objects.of_member(request.user).filter(run_id=obj.run_id)
        versions = made.with_names()[:VERSIONS_SHOWN]
        return run_page(
            obj,
            list(versions),
            activity=self.activity(request, obj),
            took=duration_of(obj),
            waiting=_fetching([obj]),
        )

    def get_custom_urls(self) -> tuple[tuple[str, str, Any], ...]:
        """The page of several runs."""
        return (("compare/<str:chosen>/", "experiments_run_compare", self.compare_view),)

    def compare_view(
        self, request: HttpRequest, chosen: str, model_admin: Any = None
    ) -> HttpResponse:
        """Runs side by side; a POST has the curves fetched that are not there."""
        runs = self._chosen(request, chosen)
        if request.method == "POST":
            jobs = histories.request_histories(
                run_ids=[run.pk for run in runs], actor=self.actor(request)
            )
            messages.success(request, f"The curves of {len(jobs)} runs are being fetched.")
            return HttpResponseRedirect(request.path)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Compare runs",
            "page": compared_page(runs, waiting=_fetching(runs)),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "console/object.html", context)

    def _chosen(self, request: HttpRequest, chosen: str) -> list[Run]:
        """The runs, in the order of the URL. Raises Http404 where one is hidden or absent."""
        parts = list(dict.fromkeys(chosen.split(SEPARATOR)))
        if not all(
            part.isascii() and part.isdecimal() and len(part) <= KEY_DIGITS for part in parts
        ):
            raise Http404
        rows = self.get_queryset(request).select_related("experiment__project").filter(pk__in=parts)
        found = {str(run.pk): run for run in rows[: RUNS_COMPARED + 1]}
        if not 1 < len(parts) <= RUNS_COMPARED or len(found) < len(parts):
            raise Http404
        return [found[str(int(part))] for part in parts]


def compare_url(chosen: list[int]) -> str:
    """Where some runs are shown side by side."""
    return reverse("admin:experiments_run_compare", args=[SEPARATOR.join(map(str, chosen))])


def duration_of(run: Run) -> str:
    """How long a run took; a dash while it has not ended."""
    if run.ended_at is None:
        return "—"
    seconds = max(0, int((run.ended_at - run.started_at).total_seconds()))
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def _fetching(runs: list[Run]) -> bool:
    subjects = [run.public_id for run in runs]
    return Job.objects.unfinished().filter(kind=histories.KIND, subject__in=subjects).exists()
