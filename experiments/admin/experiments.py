from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from experiments import services
from experiments.models import Benchmark, Experiment
from hokusai.accounts.models import Project
from hokusai.accounts.permissions import projects_where
from hokusai.core.errors import InvalidInput
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.forms import ConsoleForm, look_up, offer
from hokusai.web.panels import Fact, Page, table
from registry.models import Model, ModelVersion

COMPARISONS_SHOWN = 20


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
