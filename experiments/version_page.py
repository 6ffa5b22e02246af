"""What the experiments put on the page of a version."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.enums import ActionVariant

from experiments import services
from experiments.attempts import alpha_e9, expected_number
from experiments.choices import BenchmarkStatus
from experiments.exceptions import BenchmarkInvalid
from experiments.models import Benchmark, Comparison
from experiments.planning import BILLION, plan, shown_gain
from hokusai.accounts.permissions import projects_where
from hokusai.web import markup
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.forms import DialogForm, offer
from hokusai.web.panels import Panel, table
from registry.choices import ArtifactState
from registry.models import ModelVersion

CHOICES_SHOWN = 50
COMPARISONS_SHOWN = 15


def with_plan(benchmark: Benchmark) -> str:
    """A benchmark's name and what its rows can show at the attempt that this would be."""
    try:
        found = plan(benchmark)
    except BenchmarkInvalid:
        number = expected_number(benchmark)
        level = alpha_e9(benchmark, number) / BILLION
        return f"{benchmark} · attempt {number} at level {level:.2g}"
    head = f"{benchmark} · attempt {found.attempt} at level {found.alpha_e9 / BILLION:.2g}"
    if found.detectable_ppm is None:
        return f"{head} · {found.rows:,} rows find no gain"
    gain = shown_gain(found.detectable_ppm, found)
    return f"{head} · {found.rows:,} rows find {gain} in 80 %"


class PlannedChoice(forms.ModelChoiceField):
    """A choice of benchmarks, each with its plan."""

    def label_from_instance(self, obj: Benchmark) -> str:
        """Its name and what its rows can show."""
        return with_plan(obj)


class EvaluationDialog(DialogForm):
    """Against which baseline, on which benchmark."""

    baseline = forms.ModelChoiceField(ModelVersion.objects.none())
    benchmark = PlannedChoice(
        Benchmark.objects.none(),
        help_text="Only approved ones decide. What their rows find supposes that the versions "
        "disagree on 10 % of the rows.",
    )

    def scope(self, user: Any) -> None:
        version = ModelVersion.objects.select_related("model").filter(pk=self.object_id).first()
        if version is None:
            return
        others = ModelVersion.objects.of_member(user).ready().filter(model=version.model_id)
        newest = others.exclude(pk=version.pk).values("pk")[:CHOICES_SHOWN]
        baselines = ModelVersion.objects.filter(pk__in=newest).select_related("model")
        offer(self, "baseline", baselines).initial = version.parent_id or version.model.head_id
        benchmarks = Benchmark.objects.filter(
            project__in=projects_where(user, "experiments.request_comparison"),
            project=version.model.project_id,
            status=BenchmarkStatus.APPROVED,
        )
        offer(self, "benchmark", benchmarks.select_related("dataset_version"))


@dialog_action(
    Dialog(
        title="Evaluate",
        text="Compare this version with a baseline on the same rows. The attempt is counted, and "
        "each further one must clear a higher bar.",
        submit="Request comparison",
        needs="experiments.request_comparison",
        icon="balance",
        form=EvaluationDialog,
        variant=ActionVariant.PRIMARY,
        when=lambda obj: obj.artifact_state == ArtifactState.READY,
    )
)
def evaluate(self: Any, request: HttpRequest, obj: ModelVersion, data: dict[str, Any]) -> str:
    """Request a comparison of this version."""
    comparison = services.request_comparison(
        benchmark=data["benchmark"],
        baseline=data["baseline"],
        candidate=obj,
        actor=self.actor(request),
    )
    return f"Comparison {comparison.public_id} is {comparison.status}; see Comparisons below."


def comparisons_of(request: HttpRequest, version: ModelVersion) -> Panel:
    """Comparisons in which a version is the candidate."""
    comparisons = (
        Comparison.objects.visible_to(request.user)
        .with_names()
        .filter(candidate=version)[:COMPARISONS_SHOWN]
    )
    rows = [_row(comparison) for comparison in comparisons]
    return table(
        "Comparisons",
        ("Against", "Benchmark", "Attempt", "State", "Requested"),
        rows,
        empty="Not compared yet. Choose Evaluate above; it needs an approved benchmark.",
    )


def _row(comparison: Comparison) -> tuple[Any, ...]:
    return (
        _comparison_link(comparison),
        markup.object_link(comparison.benchmark),
        comparison.attempt,
        markup.badge(comparison.status),
        markup.moment(comparison.created_at),
    )


def _comparison_link(comparison: Comparison) -> SafeString:
    url = reverse("admin:experiments_comparison_change", args=[comparison.pk])
    return markup.link(f"v{comparison.baseline.number}", url)
