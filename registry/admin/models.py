from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.module_loading import import_string
from unfold.decorators import display

from hokusai.accounts.models import Project
from hokusai.accounts.permissions import projects_where
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.forms import ConsoleForm, offer
from hokusai.web.graphs import lineage_panel
from hokusai.web.panels import Fact, Page, Panel, chart, table
from registry import reports, services
from registry.models import Model, ModelVersion

VERSIONS_SHOWN = 25
LINEAGES_JOINED = 5


class ModelForm(ConsoleForm):
    """A new line of versions."""

    project = forms.ModelChoiceField(Project.objects.none())
    slug = forms.SlugField(max_length=63, help_text="The model's id is project.slug, for ever.")
    name = forms.CharField(max_length=200, help_text="Shown to people, in any script.")
    task = forms.ChoiceField(
        choices=(("classification", "Classification"), ("regression", "Regression"))
    )
    description = forms.CharField(required=False, widget=forms.Textarea)

    def scope(self, user: Any) -> None:
        offer(self, "project", projects_where(user, "registry.register_version"))


@admin.register(Model)
class ModelAdmin(ScopedAdmin):
    """Lines of versions, each with its history and lineage."""

    view_permission = "registry.view_model"
    add_permission = "registry.register_version"
    add_form = ModelForm
    add_lead = "A model is a named line of versions. Versions are registered through the API."
    empty_hint = "Add a model here, or register a first version with POST /api/v1/models/register."
    list_display = ("model_id", "name", "task", "project", "head_label", "created")
    list_select_related = ("project", "head__model")
    search_fields = ("^model_id", "^slug", "^name")
    list_filter = (("created_at", admin.DateFieldListFilter),)

    @display(description="head")
    def head_label(self, obj: Model) -> str:
        return markup.object_link(obj.head, f"v{obj.head.number}") if obj.head else markup.NOTHING

    @display(description="made", ordering="created_at")
    def created(self, obj: Model) -> str:
        return markup.moment(obj.created_at)

    def create(self, request: HttpRequest, data: dict[str, Any]) -> Model:
        return services.create_model(actor=self.actor(request), **data)

    def page(self, request: HttpRequest, obj: Model) -> Page:
        versions = list(obj.versions.select_related("registered_by")[:VERSIONS_SHOWN])
        newest = [version.public_id for version in versions[:LINEAGES_JOINED]]
        focus = obj.head.public_id if obj.head else "".join(newest[:1])
        return Page(
            title=obj.name,
            badges=(markup.badge(obj.task, "quiet"), markup.badge(obj.project.visibility)),
            lead=obj.description,
            facts=_facts(obj, versions),
            panels=(
                *(import_string(path)(request, obj) for path in settings.MODEL_PANELS),
                *_histories(request, obj),
                _versions(versions),
                lineage_panel(reports.lineage_around(request.user, newest), focus),
                self.activity(request, obj),
            ),
        )


def _facts(obj: Model, versions: list[ModelVersion]) -> tuple[Fact, ...]:
    serving = next((version for version in versions if version.stage == "production"), None)
    return (
        Fact("Model id", markup.mono(obj.model_id)),
        Fact("Project", markup.object_link(obj.project)),
        Fact("In production", markup.object_link(serving, f"v{serving.number}" if serving else "")),
        Fact("Head", markup.object_link(obj.head), "the best by accepted improvement"),
        Fact("Versions", versions[0].number if versions else 0),
        Fact("Made", markup.moment(obj.created_at)),
    )


def _versions(versions: list[ModelVersion]) -> Panel:
    rows = [
        (
            markup.object_link(version, f"v{version.number}"),
            markup.badge(version.stage),
            markup.badge(version.artifact_state),
            markup.badge(version.sync_state),
            _metrics(version),
            version.registered_by.username,
            markup.moment(version.created_at),
        )
        for version in versions
    ]
    return table(
        "Versions",
        ("Version", "Stage", "Artifact", "MLflow", "Metrics", "Registered by", "Registered"),
        rows,
        empty="No version yet. Register one with POST /api/v1/models/register.",
        hint=f"The newest {VERSIONS_SHOWN}." if len(rows) == VERSIONS_SHOWN else "",
    )


def _metrics(version: ModelVersion) -> str:
    shown = [f"{name} {value:.4g}" for name, value in sorted(version.metrics.items())[:2]]
    return ", ".join(shown) or "—"


def metric_names(versions: QuerySet[ModelVersion]) -> list[str]:
    """Metrics that the newest versions state, those stated most often first."""
    stated = [
        name for metrics in versions.values_list("metrics", flat=True)[:50] for name in metrics
    ]
    return sorted(set(stated), key=lambda name: (-stated.count(name), name))


def _histories(request: HttpRequest, obj: Model) -> list[Panel]:
    names = metric_names(obj.versions.all())[:2]
    return [_history(request, obj, name, wide=len(names) == 1) for name in names]


def _history(request: HttpRequest, obj: Model, metric: str, *, wide: bool) -> Panel:
    scores = reports.metric_history(obj, metric, request.user)
    points = [
        {"label": f"v{score.number}", "score": round(score.score, 6), "stage": score.stage}
        for score in scores
    ]
    return chart(
        f"{metric} over versions",
        "history",
        {"metric": metric, "unit": metric, "points": points},
        key=f"history-{metric}",
        empty="" if points else "No version states this metric.",
        headers=("Version", metric, "Stage"),
        rows=[(f"v{s.number}", f"{s.score:.6g}", markup.badge(s.stage)) for s in scores],
        hint="As stated when the versions were registered.",
        wide=wide,
    )
