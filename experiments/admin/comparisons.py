from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from experiments import services
from experiments.choices import BenchmarkStatus, ComparisonStatus
from experiments.models import Benchmark, Comparison
from experiments.reports import ComparisonView, ConfusionView, comparison_view
from hokusai.accounts.permissions import projects_where
from hokusai.core.errors import Forbidden
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.forms import ConsoleForm, look_up, offer
from hokusai.web.graphs import lineage_panel
from hokusai.web.panels import Fact, Notice, Page, Panel, chart, plain, table
from registry.models import ModelVersion
from registry.reports import lineage_around

WAITING_REFRESH_S = 4


class ComparisonForm(ConsoleForm):
    """A candidate, a baseline and the benchmark that decides."""

    benchmark = forms.ModelChoiceField(Benchmark.objects.none())

    def scope(self, user: Any) -> None:
        allowed = projects_where(user, "experiments.request_comparison")
        benchmarks = Benchmark.objects.filter(project__in=allowed)
        offer(self, "benchmark", benchmarks.filter(status=BenchmarkStatus.APPROVED))
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
        waiting = obj.status == ComparisonStatus.REQUESTED
        return Page(
            title=str(obj),
            badges=(markup.badge(obj.status), markup.badge(view.metric, "quiet")),
            notices=_verdict(view),
            facts=_facts(obj, view),
            panels=(
                *_measured(obj, view),
                _job(request, self, obj),
                lineage_panel(lineage_around(request.user, [obj.public_id]), obj.public_id),
                self.activity(request, obj),
            ),
            refresh_s=WAITING_REFRESH_S if waiting else 0,
        )


def _verdict(view: ComparisonView) -> list[Notice]:
    tones = {"accepted": "success", "refused": "danger", "failed": "danger"}
    texts = {
        "accepted": view.explanation or "The candidate is better.",
        "refused": view.explanation or "The candidate was not shown to be better.",
        "failed": view.explanation or "The comparison failed; this is no verdict on the model.",
        "requested": "Waiting for a worker. This page refreshes itself.",
    }
    notices = [Notice(texts[view.status], tones.get(view.status, "info"))]
    if view.rounded and view.score_candidate is not None:
        text = "Scores are rounded here; interval, guardrails and confusion are for reviewers."
        notices.append(Notice(text, "info"))
    return notices


def _facts(obj: Comparison, view: ComparisonView) -> tuple[Fact, ...]:
    return (
        Fact("Candidate", markup.object_link(obj.candidate)),
        Fact("Baseline", markup.object_link(obj.baseline)),
        Fact("Benchmark", markup.object_link(obj.benchmark)),
        Fact("Attempt", view.attempt, "on these rows, in this project"),
        Fact(f"Candidate's {view.metric}", markup.score(view.score_candidate, view.metric)),
        Fact(f"Baseline's {view.metric}", markup.score(view.score_baseline, view.metric)),
        Fact("Observed gain", markup.gain(view.delta_ppm, view.metric)),
        Fact("p-value", "—" if view.p_value is None else f"{view.p_value:.2g}"),
        Fact("Reason", view.reason.replace("_", " ") or "—"),
        Fact("Requested by", obj.requested_by.username),
        Fact("Decided", markup.moment(obj.decided_at)),
        Fact("Id", markup.mono(obj.public_id)),
    )


def _measured(obj: Comparison, view: ComparisonView) -> list[Panel]:
    if view.delta_ppm is None:
        return []
    panels = [_interval(obj, view), _guardrails(view)]
    return panels + [_confusion(one) for one in view.confusions]


def _interval(obj: Comparison, view: ComparisonView) -> Panel:
    numbers = {
        "low": view.low_ppm,
        "delta": view.delta_ppm,
        "high": view.high_ppm,
        "margin": obj.benchmark.margin_ppm,
        "minimum": obj.benchmark.minimum_gain_ppm,
    }
    proportion = view.metric in markup.PROPORTIONS
    scale = markup.PPM_PER_POINT if proportion else markup.PPM
    names = ("Lower bound", "Observed", "Upper bound", "Margin", "Minimum gain")
    return chart(
        "Gain and its interval",
        "interval",
        {
            "unit": "percentage points" if proportion else view.metric,
            **{k: None if v is None else v / scale for k, v in numbers.items()},
        },
        key="interval",
        headers=("", "Gain"),
        rows=[
            (name, markup.gain(value, view.metric))
            for name, value in zip(names, numbers.values(), strict=True)
        ],
        hint="Accepted where the lower bound clears the margin and the gain reaches the minimum.",
        height_px=200,
    )


def _guardrails(view: ComparisonView) -> Panel:
    rows = [
        (
            rail.metric,
            markup.allowance(rail.margin_ppm, rail.metric),
            markup.gain(rail.harm_upper_ppm, rail.metric),
            markup.badge("passed" if rail.passed else "failed"),
        )
        for rail in view.guardrails
    ]
    return table(
        "Guardrails",
        ("Metric", "Harm allowed", "Harm's upper bound", "Result"),
        rows,
        empty="The benchmark states none.",
        hint="A metric that must not get worse by more than its margin.",
    )


def _confusion(view: ConfusionView) -> Panel:
    rows = [(label, *counts) for label, counts in zip(view.labels, view.counts, strict=True)]
    return chart(
        f"Confusion of the {view.role}",
        "confusion",
        {"labels": list(view.labels), "counts": [list(row) for row in view.counts]},
        key=f"confusion-{view.role}",
        headers=("true \\ predicted", *view.labels),
        rows=rows,
        hint="Rows of the benchmark by true and predicted label.",
        wide=False,
        height_px=320,
    )


def _job(request: HttpRequest, page: ScopedAdmin, obj: Comparison) -> Panel | None:
    if obj.job is None or not page.may(request, "core.view_job", obj):
        return None
    title = f"Log of the job ({obj.job.status})"
    return plain(title, obj.job.log, empty="The job has written nothing yet.")
