from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from experiments import services
from experiments.choices import BenchmarkStatus
from experiments.models import Benchmark, Experiment
from hokusai.accounts.models import Project
from hokusai.accounts.permissions import projects_where
from hokusai.core.errors import Forbidden, InvalidInput
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.forms import ConsoleForm, look_up, offer
from hokusai.web.panels import Fact, Notice, Page, Panel, table
from registry.choices import DatasetState
from registry.models import DatasetVersion, Model, ModelVersion

COMPARISONS_SHOWN = 20
METRICS = (("accuracy", "accuracy"), ("log_loss", "log loss"), ("brier_score", "Brier score"))


class BenchmarkForm(ConsoleForm):
    """A new benchmark; differences are given in percentage points."""

    project = forms.ModelChoiceField(Project.objects.none())
    slug = forms.SlugField(max_length=63)
    name = forms.CharField(max_length=200)
    label_column = forms.CharField(max_length=200)
    features = forms.CharField(
        required=False, help_text="Input columns by comma, in order; empty for all but the label."
    )
    metric = forms.ChoiceField(choices=METRICS, help_text="The metric that decides.")
    minimum_gain = forms.DecimalField(
        initial=1, min_value=0, max_value=100, help_text="Percentage points that a gain must reach."
    )
    margin = forms.DecimalField(
        initial=0,
        min_value=0,
        max_value=100,
        help_text="Percentage points that the interval must clear.",
    )
    alpha = forms.FloatField(
        initial=0.025, min_value=0.0001, max_value=0.2, help_text="One-sided, before attempts."
    )
    guardrails = forms.CharField(
        required=False,
        widget=forms.Textarea,
        help_text="One per line: metric and the harm allowed in percentage points: log_loss 0.5",
    )

    def scope(self, user: Any) -> None:
        allowed = projects_where(user, "experiments.add_benchmark")
        offer(self, "project", allowed)
        field = Benchmark._meta.get_field("dataset_version")  # noqa: SLF001
        versions = DatasetVersion.objects.filter(
            dataset__project__in=allowed, state=DatasetState.USABLE
        )
        self.fields["dataset_version"] = look_up(field, versions.select_related("dataset"))
        self.order_fields(("project", "slug", "name", "dataset_version"))

    def clean_guardrails(self) -> list[dict[str, Any]]:
        """Metric and margin in millionths of each line."""
        lines = [line.split() for line in self.cleaned_data["guardrails"].splitlines()]
        try:
            return [
                {"metric": metric, "margin_ppm": round(float(margin) * markup.PPM_PER_POINT)}
                for metric, margin in (line for line in lines if line)
            ]
        except ValueError as error:
            raise forms.ValidationError("Give a metric and a number on each line.") from error


class ExperimentForm(ConsoleForm):
    """A line of work on one model."""

    project = forms.ModelChoiceField(Project.objects.none())
    name = forms.CharField(max_length=200)
    hypothesis = forms.CharField(required=False, widget=forms.Textarea)

    def scope(self, user: Any) -> None:
        allowed = projects_where(user, "experiments.request_comparison")
        offer(self, "project", allowed)
        choices = {
            "model": Model.objects.filter(project__in=allowed),
            "baseline": ModelVersion.objects.filter(model__project__in=allowed),
            "benchmark": Benchmark.objects.filter(project__in=allowed),
        }
        for name, queryset in choices.items():
            self.fields[name] = look_up(Experiment._meta.get_field(name), queryset)  # noqa: SLF001


@admin.register(Benchmark)
class BenchmarkAdmin(ScopedAdmin):
    """Fixed rows, metrics and policy; made by one person, approved by another."""

    view_permission = "experiments.view_benchmark"
    add_permission = "experiments.add_benchmark"
    add_form = BenchmarkForm
    add_lead = "A benchmark never changes. Its rows become readable to stewards alone."
    empty_hint = "A benchmark fixes rows, metric and policy. Upload its rows as a dataset first."
    list_display = ("name", "status_label", "metric", "gain", "project", "created_by", "created")
    list_select_related = (
        "project",
        "dataset_version__dataset__project",
        "created_by",
        "approved_by",
    )
    list_filter = (("status", ChoicesDropdownFilter),)
    search_fields = ("^slug", "^name", "=public_id")
    actions_detail = ("approve", "retire")

    @display(description="state", ordering="status")
    def status_label(self, obj: Benchmark) -> str:
        return markup.badge(obj.status)

    @display(description="minimum gain", ordering="minimum_gain_ppm")
    def gain(self, obj: Benchmark) -> str:
        return markup.gain(obj.minimum_gain_ppm, obj.metric)

    @display(description="made", ordering="created_at")
    def created(self, obj: Benchmark) -> str:
        return markup.moment(obj.created_at)

    def create(self, request: HttpRequest, data: dict[str, Any]) -> Benchmark:
        features = [name.strip() for name in data.pop("features").split(",") if name.strip()]
        if not self.may(request, "registry.view_dataset", data["dataset_version"]):
            raise Forbidden("You may not use this dataset.")
        return services.create_benchmark(
            actor=self.actor(request),
            features=features or None,
            margin_ppm=round(data.pop("margin") * markup.PPM_PER_POINT),
            minimum_gain_ppm=round(data.pop("minimum_gain") * markup.PPM_PER_POINT),
            **data,
        )

    @dialog_action(
        Dialog(
            title="Approve",
            text="From now on this benchmark decides. It must be approved by a second person.",
            submit="Approve",
            needs="experiments.approve_benchmark",
            icon="check_circle",
            variant=ActionVariant.PRIMARY,
            when=lambda obj: obj.status == BenchmarkStatus.DRAFT,
        )
    )
    def approve(self, request: HttpRequest, obj: Benchmark, data: dict[str, Any]) -> str:
        services.approve_benchmark(benchmark_id=obj.pk, actor=self.actor(request))
        return f"{obj.name} is approved."

    @dialog_action(
        Dialog(
            title="Retire",
            text="No further comparison will be made on it. There is no way back.",
            submit="Retire",
            needs="experiments.approve_benchmark",
            icon="archive",
            variant=ActionVariant.DANGER,
            when=lambda obj: obj.status != BenchmarkStatus.RETIRED,
        )
    )
    def retire(self, request: HttpRequest, obj: Benchmark, data: dict[str, Any]) -> str:
        services.retire_benchmark(benchmark_id=obj.pk, actor=self.actor(request))
        return f"{obj.name} is retired."

    def page(self, request: HttpRequest, obj: Benchmark) -> Page:
        notices = []
        if obj.status == BenchmarkStatus.DRAFT:
            text = "A draft decides nothing: somebody other than its maker must approve it."
            notices.append(Notice(text, "warning"))
        return Page(
            title=obj.name,
            badges=(markup.badge(obj.status), markup.badge(obj.metric, "quiet")),
            notices=notices,
            facts=_facts(obj),
            panels=(
                _guardrails(obj),
                _features(obj),
                _comparisons(obj),
                self.activity(request, obj),
            ),
        )


def _facts(obj: Benchmark) -> tuple[Fact, ...]:
    return (
        Fact("Project", markup.object_link(obj.project)),
        Fact(
            "Rows", markup.object_link(obj.dataset_version), f"{obj.dataset_version.row_count} rows"
        ),
        Fact("Label column", markup.mono(obj.label_column)),
        Fact("Minimum gain", markup.gain(obj.minimum_gain_ppm, obj.metric)),
        Fact("Margin", markup.gain(obj.margin_ppm, obj.metric)),
        Fact("Alpha", obj.alpha, "one-sided, spent over attempts"),
        Fact("Seed", obj.seed),
        Fact("Digest", markup.mono(obj.spec_digest, 16), "sha256 of all that it fixes"),
        Fact("Made by", obj.created_by.username),
        Fact("Approved by", obj.approved_by.username if obj.approved_by else markup.NOTHING),
        Fact("Approved", markup.moment(obj.approved_at)),
        Fact("Id", markup.mono(obj.public_id)),
    )


def _row_count(obj: Benchmark) -> str:
    return f"{obj.dataset_version.row_count} rows"


def _guardrails(obj: Benchmark) -> Panel:
    rows = [
        (rail["metric"], markup.allowance(rail["margin_ppm"], rail["metric"]))
        for rail in obj.guardrails
    ]
    return table(
        "Guardrails",
        ("Metric", "Harm allowed"),
        rows,
        empty="None: only the deciding metric counts.",
        wide=False,
    )


def _features(obj: Benchmark) -> Panel:
    rows = [(number, markup.mono(str(name))) for number, name in enumerate(obj.features, 1)]
    return table("Inputs, in order", ("", "Column"), rows, empty="None.", wide=False)


def _comparisons(obj: Benchmark) -> Panel:
    rows = [
        (
            markup.object_link(comparison),
            comparison.attempt,
            markup.badge(comparison.status),
            markup.moment(comparison.decided_at),
        )
        for comparison in obj.comparisons.with_names()[:COMPARISONS_SHOWN]
    ]
    return table(
        "Comparisons",
        ("Comparison", "Attempt", "State", "Decided"),
        rows,
        empty="None yet. Open a version that is ready and choose Evaluate.",
    )


@admin.register(Experiment)
class ExperimentAdmin(ScopedAdmin):
    """A baseline, a benchmark, and the tries to beat it."""

    view_permission = "experiments.view_comparison"
    add_permission = "experiments.request_comparison"
    add_form = ExperimentForm
    empty_hint = "An experiment gathers the tries to beat one baseline on one benchmark."
    list_display = ("name", "model", "baseline_label", "benchmark", "created_by", "created")
    list_select_related = ("project", "model", "baseline__model", "benchmark", "created_by")
    search_fields = ("^name", "=public_id", "^model__model_id")

    @display(description="baseline")
    def baseline_label(self, obj: Experiment) -> str:
        return f"v{obj.baseline.number}"

    @display(description="made", ordering="created_at")
    def created(self, obj: Experiment) -> str:
        return markup.moment(obj.created_at)

    def create(self, request: HttpRequest, data: dict[str, Any]) -> Experiment:
        if data["model"].project_id != data["project"].pk:
            raise InvalidInput("The model belongs to another project.")
        return services.create_experiment(actor=self.actor(request), **data)

    def page(self, request: HttpRequest, obj: Experiment) -> Page:
        rows = [
            (
                markup.object_link(comparison),
                comparison.attempt,
                markup.badge(comparison.status),
                markup.moment(comparison.decided_at),
            )
            for comparison in obj.comparisons.with_names()[:COMPARISONS_SHOWN]
        ]
        tries = table(
            "Comparisons", ("Comparison", "Attempt", "State", "Decided"), rows, empty="No try yet."
        )
        return Page(
            title=obj.name,
            lead=obj.hypothesis,
            facts=(
                Fact("Project", markup.object_link(obj.project)),
                Fact("Model", markup.object_link(obj.model)),
                Fact("Baseline", markup.object_link(obj.baseline)),
                Fact("Benchmark", markup.object_link(obj.benchmark)),
                Fact("Made by", obj.created_by.username),
                Fact("Id", markup.mono(obj.public_id)),
            ),
            panels=(tries, self.activity(request, obj)),
        )
