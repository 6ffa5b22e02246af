from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from experiments import services
from experiments.admin import benchmark_panels as panels
from experiments.choices import BenchmarkStatus, Task
from experiments.models import Benchmark
from experiments.registered_metrics import metrics_for
from hokusai.accounts.models import Project
from hokusai.accounts.permissions import projects_where
from hokusai.core.errors import Forbidden
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.forms import ConsoleForm, look_up, offer
from hokusai.web.panels import Page
from registry.choices import DatasetState
from registry.models import DatasetVersion

PPM_PER_PERCENT = 10_000
LARGEST = 2_147
UNITS = "in percentage points for accuracy, balanced accuracy, F1 and AUROC, else in its own unit"


def _metrics() -> list[tuple[str, list[tuple[str, str]]]]:
    """Metrics by task, shipped and registered, with the unit that each fixes."""
    return [
        (
            task,
            [
                (metric.name, f"{metric.name} ({metric.unit}, {metric.direction} is better)")
                for metric in metrics_for(task)
            ],
        )
        for task in Task.values
    ]


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


class BenchmarkForm(ConsoleForm):
    """A new benchmark; differences are given in percentage points or the metric's own unit."""

    project = forms.ModelChoiceField(Project.objects.none())
    slug = forms.SlugField(max_length=63)
    name = forms.CharField(max_length=200)
    task = forms.ChoiceField(choices=Task.choices, required=False)
    label_column = forms.CharField(max_length=200)
    features = forms.CharField(
        required=False, help_text="Input columns by comma, in order; empty for all that are left."
    )
    metric = forms.ChoiceField(choices=_metrics, help_text="The metric that decides.")
    group_column = forms.CharField(
        required=False, max_length=200, help_text="Of a ranking: the query that a row belongs to."
    )
    cluster_column = forms.CharField(
        required=False,
        max_length=200,
        help_text="Rows that share a value, such as one patient's, are no independent evidence.",
    )
    weight_column = forms.CharField(
        required=False, max_length=200, help_text="How much each row counts; empty for all alike."
    )
    slice_columns = forms.CharField(
        required=False, help_text="Columns by comma whose values are told apart, at most 50 each."
    )
    confirmation = forms.DecimalField(
        required=False,
        min_value=0,
        max_value=90,
        help_text="Percent of the rows kept to confirm what was accepted; empty for 30 where that "
        "keeps at least 100 rows or 30 clusters. With 0 nothing is ever payable.",
    )
    minimum_gain = forms.DecimalField(
        initial=1, min_value=0, max_value=LARGEST, help_text=f"What a gain must reach, {UNITS}."
    )
    margin = forms.DecimalField(
        initial=0,
        min_value=0,
        max_value=LARGEST,
        help_text=f"What the interval must clear, {UNITS}.",
    )
    alpha = forms.FloatField(
        initial=0.025, min_value=0.0001, max_value=0.2, help_text="One-sided, before attempts."
    )
    guardrails = forms.CharField(
        required=False,
        widget=forms.Textarea,
        help_text=f"One per line: metric and the harm allowed, {UNITS}: log_loss 0.005",
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
                {"metric": metric, "margin_ppm": round(float(margin) * markup.ppm_per_unit(metric))}
                for metric, margin in (line for line in lines if line)
            ]
        except ValueError as error:
            raise forms.ValidationError("Give a metric and a number on each line.") from error


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
        kept, scale = data.pop("confirmation"), markup.ppm_per_unit(data["metric"])
        if not self.may(request, "registry.view_dataset", data["dataset_version"]):
            raise Forbidden("You may not use this dataset.")
        return services.create_benchmark(
            actor=self.actor(request),
            features=_names(data.pop("features")) or None,
            slice_columns=_names(data.pop("slice_columns")),
            confirmation_ppm=None if kept is None else round(kept * PPM_PER_PERCENT),
            margin_ppm=round(data.pop("margin") * scale),
            minimum_gain_ppm=round(data.pop("minimum_gain") * scale),
            task=data.pop("task") or Task.CLASSIFICATION,
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
        steward = self.may(request, "experiments.view_outcomes", obj)
        return Page(
            title=obj.name,
            badges=(
                markup.badge(obj.status),
                markup.badge(obj.task, "quiet"),
                markup.badge(obj.metric, "quiet"),
            ),
            notices=panels.notices(obj),
            facts=panels.facts(obj),
            panels=(
                panels.power(obj),
                panels.guardrails(obj),
                panels.features(obj),
                panels.comparisons(obj),
                panels.attempts(obj) if steward else None,
                self.activity(request, obj),
            ),
        )
