"""What the experiments put on the page of a version."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.enums import ActionVariant

from experiments import services
from experiments.choices import BenchmarkStatus
from experiments.models import Benchmark, Comparison
from hokusai.accounts.permissions import projects_where
from hokusai.web import markup
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.forms import DialogForm, offer
from hokusai.web.panels import Panel, table
from registry.choices import ArtifactState
from registry.models import ModelVersion

CHOICES_SHOWN = 50
COMPARISONS_SHOWN = 15


class EvaluationDialog(DialogForm):
    """Against which baseline, on which benchmark."""

    baseline = forms.ModelChoiceField(ModelVersion.objects.none())
    benchmark = forms.ModelChoiceField(
        Benchmark.objects.none(), help_text="Only approved benchmarks decide."
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
        offer(self, "benchmark", benchmarks)


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
