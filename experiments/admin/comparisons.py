from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from experiments import services
from experiments.admin import comparison_facts, comparison_panels
from experiments.admin.benchmark_panels import attempts
from experiments.choices import BenchmarkStatus, ComparisonStatus
from experiments.models import Benchmark, Comparison
from experiments.reports import ComparisonView, comparison_view
from experiments.version_page import PlannedChoice
from hokusai.accounts.permissions import projects_where
from hokusai.core.errors import Forbidden
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.forms import ConsoleForm, look_up, offer
from hokusai.web.graphs import lineage_panel
from hokusai.web.panels import Page, Panel, plain
from registry.models import ModelVersion
from registry.reports import lineage_around

WAITING_REFRESH_S = 4


class ComparisonForm(ConsoleForm):
    """A candidate, a baseline and the benchmark that decides."""

    benchmark = PlannedChoice(Benchmark.objects.none())

    def scope(self, user: Any) -> None:
        allowed = projects_where(user, "experiments.request_comparison")
        benchmarks = Benchmark.objects.filter(project__in=allowed)
        approved = benchmarks.filter(status=BenchmarkStatus.APPROVED)
        offer(self, "benchmark", approved.select_related("dataset_version"))
        versions = ModelVersion.objects.ready().filter(model__project__in=allowed)
        for name in ("baseline", "candidate"):
            field = Comparison._meta.get_field(name)  # noqa: SLF001
            self.fields[name] = look_up(field, versions.select_related("model"))


@admin.register(Comparison)
class ComparisonAdmin(ScopedAdmin):
    """Candidates against baselines, and what was decided."""

    view_permission = "experiments.view_comparison"
    add_permission = "experiments.request_comparison"
    add_form = ComparisonForm
    add_lead = "Both versions are measured on the same rows in processes of their own."
    empty_hint = "Open a version that is ready and choose Evaluate; it needs an approved benchmark."
    list_display = (
        "name",
        "status_label",
        "benchmark_label",
        "attempt",
        "gain",
        "requested_by",
        "created",
    )
    list_select_related = (
        "benchmark__project",
        "baseline__model__project",
        "candidate__model__project",
        "job",
        "requested_by",
        "experiment",
    )
    list_filter = (("status", ChoicesDropdownFilter), ("created_at", admin.DateFieldListFilter))
    search_fields = ("=public_id", "^candidate__model__model_id", "^benchmark__slug")
    actions_detail = ("retry",)

    @display(description="comparison")
    def name(self, obj: Comparison) -> str:
        return str(obj)

    @display(description="state", ordering="status")
    def status_label(self, obj: Comparison) -> str:
        return markup.badge(obj.status)

    @display(description="benchmark")
    def benchmark_label(self, obj: Comparison) -> str:
        return obj.benchmark.name

    @display(description="gain")
    def gain(self, obj: Comparison) -> str:
        """Told of accepted ones alone: what a refused attempt measured is not spent here."""
        accepted = obj.status == ComparisonStatus.ACCEPTED
        return markup.gain(obj.delta_ppm if accepted else None, obj.benchmark.metric)

    @display(description="requested", ordering="created_at")
    def created(self, obj: Comparison) -> str:
        return markup.moment(obj.created_at)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Rows of the person's projects, without the evidence, which may be large."""
        rows: Any = super().get_queryset(request)
        return rows.with_names()

    def create(self, request: HttpRequest, data: dict[str, Any]) -> Comparison:
        for version in (data["baseline"], data["candidate"]):
            if not self.may(request, self.add_permission, version):
                raise Forbidden("You may not compare versions of this project.")
        return services.request_comparison(actor=self.actor(request), **data)

    @dialog_action(
        Dialog(
            title="Try again",
            text="The comparison failed without a verdict; this does not count as an attempt.",
            submit="Try again",
            needs="experiments.request_comparison",
            icon="refresh",
            when=lambda obj: obj.status == ComparisonStatus.FAILED,
        )
    )
    def retry(self, request: HttpRequest, obj: Comparison, data: dict[str, Any]) -> str:
        services.request_comparison(
            benchmark=obj.benchmark,
            baseline=obj.baseline,
            candidate=obj.candidate,
            experiment=obj.experiment,
            actor=self.actor(request),
        )
        return "The comparison is queued again."

    def page(self, request: HttpRequest, obj: Comparison) -> Page:
        view = comparison_view(obj, request.user)
        steward = self.may(request, "experiments.view_outcomes", obj)
        return Page(
            title=str(obj),
            badges=(markup.badge(obj.status), markup.badge(view.metric, "quiet")),
            notices=comparison_facts.notices(view),
            facts=comparison_facts.facts(obj, view),
            panels=(
                *comparison_panels.measured(obj, view),
                attempts(obj.benchmark) if steward else None,
                _job(request, self, obj),
                lineage_panel(lineage_around(request.user, [obj.public_id]), obj.public_id),
                self.activity(request, obj),
            ),
            refresh_s=WAITING_REFRESH_S if _waits(obj, view) else 0,
        )


def _waits(obj: Comparison, view: ComparisonView) -> bool:
    confirming = view.confirmation is not None and view.confirmation.status == "requested"
    return obj.status == ComparisonStatus.REQUESTED or confirming


def _job(request: HttpRequest, page: ScopedAdmin, obj: Comparison) -> Panel | None:
    if obj.job is None or not page.may(request, "core.view_job", obj):
        return None
    title = f"Log of the job ({obj.job.status})"
    return plain(title, obj.job.log, empty="The job has written nothing yet.")
