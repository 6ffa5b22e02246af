from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.module_loading import import_string
from unfold.decorators import display
from unfold.enums import ActionVariant

from hokusai.accounts.models import Project
from hokusai.accounts.permissions import projects_where
from hokusai.web import markup
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.forms import CommentDialog, ConsoleForm, offer
from hokusai.web.graphs import lineage_panel
from hokusai.web.panels import Fact, Page, Panel, chart, table
from registry import reports, services
from registry.admin.archived import ArchivedFilter
from registry.admin.model_dialogs import ShareDialog, UnshareDialog
from registry.admin.sharing import SharedAdmin, owner_fact, shared_badges
from registry.choices import ShareRight
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


def _can_roll_back(obj: Model) -> bool:
    present = obj.versions.in_production().first()
    return present is not None and services.previous_of(obj, present) is not None


@admin.register(Model)
class ModelAdmin(SharedAdmin):
    """Lines of versions, each with its history and lineage."""

    view_permission = "registry.view_model"
    add_permission = "registry.register_version"
    add_form = ModelForm
    add_lead = "A model is a named line of versions. Versions are registered through the API."
    empty_hint = "Add a model here, or register a first version with POST /api/v1/models/register."
    list_display = ("model_id", "name", "task", "owner_label", "head_label", "created")
    list_select_related = ("project", "head__model")
    search_fields = ("^model_id", "^slug", "^name")
    list_filter = (ArchivedFilter, ("created_at", admin.DateFieldListFilter))
    actions_detail: tuple[str, ...] = ("roll_back", "share", "unshare", "archive", "restore")

    @display(description="head")
    def head_label(self, obj: Model) -> str:
        return markup.object_link(obj.head, f"v{obj.head.number}") if obj.head else markup.NOTHING

    @display(description="made", ordering="created_at")
    def created(self, obj: Model) -> str:
        return markup.moment(obj.created_at)

    @dialog_action(
        Dialog(
            title="Roll back",
            text="Bring back the version that was in production before this one was promoted. "
            "The present one is archived; promoting it again undoes this.",
            submit="Roll back",
            needs="registry.roll_back",
            icon="history",
            form=CommentDialog,
            variant=ActionVariant.DANGER,
            when=_can_roll_back,
        )
    )
    def roll_back(self, request: HttpRequest, obj: Model, data: dict[str, Any]) -> str:
        former = services.roll_back(
            model_id=obj.pk, comment=data["comment"], actor=self.actor(request)
        )
        return f"{former} is in production again."

    @dialog_action(
        Dialog(
            title="Share",
            text="Let another project, or everybody who logged in, see this model or build on it. "
            "What is restricted is never shared.",
            submit="Share",
            needs="registry.share_model",
            icon="share",
            form=ShareDialog,
            when=lambda obj: obj.archived_at is None,
        )
    )
    def share(self, request: HttpRequest, obj: Model, data: dict[str, Any]) -> str:
        share = services.share_model(
            model_id=obj.pk,
            project=data["project"],
            right=ShareRight(data["right"]),
            actor=self.actor(request),
        )
        return f"Shared: {share}."

    @dialog_action(
        Dialog(
            title="Stop sharing",
            text="The project no longer sees this model. What it derived meanwhile keeps its "
            "parent, which is shown there as hidden.",
            submit="Stop sharing",
            needs="registry.share_model",
            icon="lock",
            form=UnshareDialog,
            when=lambda obj: obj.shares.exists(),
        )
    )
    def unshare(self, request: HttpRequest, obj: Model, data: dict[str, Any]) -> str:
        share = data["share"]
        services.unshare_model(model_id=obj.pk, share_id=share.public_id, actor=self.actor(request))
        return f"No longer shared: {share}."

    @dialog_action(
        Dialog(
            title="Archive",
            text="The model leaves the lists and takes no new version. Nothing is deleted: what "
            "refers to it stays, and it can be brought back.",
            submit="Archive",
            needs="registry.archive_model",
            icon="archive",
            form=CommentDialog,
            when=lambda obj: obj.archived_at is None,
        )
    )
    def archive(self, request: HttpRequest, obj: Model, data: dict[str, Any]) -> str:
        services.archive_model(model_id=obj.pk, comment=data["comment"], actor=self.actor(request))
        return f"{obj} is archived."

    @dialog_action(
        Dialog(
            title="Restore",
            text="Bring this model back into the lists; it takes versions again.",
            submit="Restore",
            needs="registry.archive_model",
            icon="unarchive",
            when=lambda obj: obj.archived_at is not None,
        )
    )
    def restore(self, request: HttpRequest, obj: Model, data: dict[str, Any]) -> str:
        services.unarchive_model(model_id=obj.pk, actor=self.actor(request))
        return f"{obj} is back."

    def create(self, request: HttpRequest, data: dict[str, Any]) -> Model:
        return services.create_model(actor=self.actor(request), **data)

    def page(self, request: HttpRequest, obj: Model) -> Page:
        seen = obj.versions.at_hand(request.user).select_related("model", "registered_by")
        versions = list(seen[:VERSIONS_SHOWN])
        newest = [version.public_id for version in versions[:LINEAGES_JOINED]]
        focus = obj.head.public_id if obj.head else "".join(newest[:1])
        return Page(
            title=obj.name,
            badges=(
                markup.badge(obj.task, "quiet"),
                markup.badge(obj.project.visibility),
                *((markup.badge("archived"),) if obj.archived_at else ()),
                *shared_badges(request, obj.project),
            ),
            lead=obj.description,
            facts=_facts(request, obj, versions),
            panels=(
                *(import_string(path)(request, obj) for path in settings.MODEL_PANELS),
                *_histories(request, obj),
                _versions(versions),
                lineage_panel(reports.lineage_around(request.user, newest), focus),
                self.activity(request, obj),
            ),
        )


def _facts(request: HttpRequest, obj: Model, versions: list[ModelVersion]) -> tuple[Fact, ...]:
    serving = obj.versions.in_production().at_hand(request.user).first()
    return (
        Fact("Model id", markup.mono(obj.model_id)),
        Fact("Project", owner_fact(request, obj.project)),
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


for _path in settings.MODEL_ACTIONS:
    _action = import_string(_path)
    setattr(ModelAdmin, _action.__name__, _action)
    ModelAdmin.actions_detail = (_action.__name__, *ModelAdmin.actions_detail)
