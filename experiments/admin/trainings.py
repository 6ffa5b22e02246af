from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from experiments.choices import ComparisonStatus, TrainingStatus
from experiments.models import Comparison, Training
from experiments.reports import ComparisonView, comparison_view
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.graphs import lineage_panel
from hokusai.web.panels import Fact, Notice, Page, Panel, plain, table
from registry.models import DatasetVersion, ModelVersion
from registry.reports import lineage_around

WAITING_REFRESH_S = 4


@admin.register(Training)
class TrainingAdmin(ScopedAdmin):
    """Trainings by recipes: a control and a candidate each."""

    view_permission = "experiments.view_training"
    empty_hint = (
        "Open a model that people gave data to and choose Build candidate; it needs an approved "
        "benchmark and an accepted contribution."
    )
    list_display = ("name", "status_label", "benchmark_label", "data", "requested_by", "created")
    list_select_related = (
        "project",
        "model",
        "benchmark",
        "baseline__model__project",
        "control__model__project",
        "candidate__model__project",
        "job",
        "requested_by",
    )
    list_filter = (("status", ChoicesDropdownFilter), ("created_at", admin.DateFieldListFilter))
    search_fields = ("=public_id", "^model__model_id", "^recipe")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).prefetch_related("base__dataset", "added__dataset")

    @display(description="training")
    def name(self, obj: Training) -> str:
        return str(obj)

    @display(description="state", ordering="status")
    def status_label(self, obj: Training) -> str:
        return markup.badge(obj.status)

    @display(description="benchmark")
    def benchmark_label(self, obj: Training) -> str:
        return obj.benchmark.name

    @display(description="added tables")
    def data(self, obj: Training) -> int:
        return len(obj.added.all())

    @display(description="requested", ordering="created_at")
    def created(self, obj: Training) -> str:
        return markup.moment(obj.created_at)

    def page(self, request: HttpRequest, obj: Training) -> Page:
        comparison = _comparison(obj)
        view = comparison_view(comparison, request.user) if comparison else None
        return Page(
            title=str(obj),
            badges=(markup.badge(obj.status), markup.badge(obj.recipe, "quiet")),
            notices=_notices(obj, view),
            facts=_facts(obj, comparison),
            panels=(
                _versions(obj),
                _seeds(obj, view),
                _data(obj),
                _parameters(obj),
                _job(request, self, obj),
                lineage_panel(lineage_around(request.user, _focus(obj)), _focus(obj)[0]),
                self.activity(request, obj),
            ),
            refresh_s=WAITING_REFRESH_S if _waits(obj, comparison) else 0,
        )


def _comparison(obj: Training) -> Comparison | None:
    if obj.candidate is None:
        return None
    found = Comparison.objects.with_names().prefetch_related("evaluations")
    return found.filter(candidate=obj.candidate, benchmark=obj.benchmark_id).first()


def _waits(obj: Training, comparison: Comparison | None) -> bool:
    if obj.status == TrainingStatus.REQUESTED:
        return True
    if obj.status == TrainingStatus.FAILED or obj.explanation:
        return False
    return comparison is None or comparison.status == ComparisonStatus.REQUESTED


def _focus(obj: Training) -> list[str]:
    return [(obj.candidate or obj.baseline or obj.model).public_id]


def _notices(obj: Training, view: ComparisonView | None) -> list[Notice]:
    if obj.status == TrainingStatus.FAILED:
        return [Notice(obj.explanation or "The training failed.", "danger")]
    if obj.status == TrainingStatus.REQUESTED:
        return [Notice("Waiting for a worker. This page refreshes itself.", "info")]
    if obj.explanation:
        return [Notice(obj.explanation, "warning")]
    if view is None:
        return [Notice("Both versions are trained; their files are being looked through.", "info")]
    tone = {"accepted": "success", "refused": "danger", "failed": "danger"}.get(view.status, "info")
    return [Notice(f"The candidate's comparison is {view.status}.", tone)]


def _facts(obj: Training, comparison: Comparison | None) -> tuple[Fact, ...]:
    return (
        Fact("Model", markup.object_link(obj.model)),
        Fact("Benchmark", markup.object_link(obj.benchmark)),
        Fact("Starts from", markup.object_link(obj.baseline), "whose data the control is made of"),
        Fact("Control", markup.object_link(obj.control), "without the added data"),
        Fact("Candidate", markup.object_link(obj.candidate), "with it"),
        Fact("Comparison", markup.object_link(comparison), "with the head of the line"),
        Fact("Requested by", obj.requested_by.username),
        Fact("Requested", markup.moment(obj.created_at)),
        Fact("Finished", markup.moment(obj.finished_at)),
        Fact("Progress", _progress(obj)),
        Fact("Id", markup.mono(obj.public_id)),
    )


def _progress(obj: Training) -> Any:
    if obj.job is None:
        return markup.NOTHING
    return markup.object_link(obj.job, f"{obj.job.progress} %, {obj.job.status}")


def _versions(obj: Training) -> Panel:
    arms = (("Control", obj.control), ("Candidate", obj.candidate))
    rows = [_version(name, version) for name, version in arms if version is not None]
    return table(
        "Versions",
        ("", "Version", "Artifact", "Files"),
        rows,
        empty="None yet: a worker fits the recipe twice, without and with the added data.",
    )


def _version(name: str, version: ModelVersion) -> tuple[Any, ...]:
    return (
        name,
        markup.object_link(version),
        markup.badge(version.artifact_state),
        markup.mono(version.tree_digest, 12) if version.tree_digest else markup.NOTHING,
    )


def _seeds(obj: Training, view: ComparisonView | None) -> Panel:
    spread = view.seeds if view else None
    title, headers = "Gain by seed", ("Seed", "Candidate over baseline", "Candidate over control")
    if view is None or spread is None:
        empty = "Each seed is fitted once the comparison is decided; reviewers see what came out."
        return table(title, headers, [], empty=f"{len(obj.seeds)} seeds. {empty}")
    pairs = zip(spread.seeds, spread.deltas_ppm, spread.effects_ppm, strict=True)
    rows = [
        (seed, markup.gain(delta, view.metric), markup.gain(effect, view.metric))
        for seed, delta, effect in pairs
    ]
    deviation = markup.gain(spread.sd_ppm, view.metric).lstrip("+")
    return table(
        title,
        headers,
        rows,
        empty="",
        hint=f"Standard deviation over seeds {deviation}; the first seed built the versions.",
    )


def _data(obj: Training) -> Panel:
    tables = [("base", row) for row in obj.base.all()] + [("added", row) for row in obj.added.all()]
    return table(
        "Data",
        ("Part", "Table", "Rows"),
        [_table(part, row) for part, row in tables],
        empty="The training names no table.",
        hint="Added rows that the base or an earlier table holds are left out.",
    )


def _table(part: str, row: DatasetVersion) -> tuple[Any, ...]:
    rows = "—" if row.row_count is None else f"{row.row_count:,}"
    return part, markup.object_link(row), rows


def _parameters(obj: Training) -> Panel:
    rows = [(name, value) for name, value in sorted(obj.parameters.items())]
    seeds = ("seeds", ", ".join(str(seed) for seed in obj.seeds))
    return table("Parameters", ("Name", "Value"), [*rows, seeds], empty="", wide=False)


def _job(request: HttpRequest, page: ScopedAdmin, obj: Training) -> Panel | None:
    if obj.job is None or not page.may(request, "core.view_job", obj):
        return None
    title = f"Log of the job ({obj.job.status})"
    return plain(title, obj.job.log, empty="The job has written nothing yet.", wide=False)
