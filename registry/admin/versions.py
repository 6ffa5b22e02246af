from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils.module_loading import import_string
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.forms import DialogForm
from hokusai.web.graphs import lineage_panel
from hokusai.web.panels import Fact, Notice, Page, Panel, table
from registry import services
from registry.choices import ArtifactState, Stage, SyncState
from registry.models import ModelVersion
from registry.reports import lineage_around

TAG_SHOWN = 80
PROMOTIONS_SHOWN = 10


class PromotionDialog(DialogForm):
    """Where to, and why."""

    target = forms.ChoiceField(choices=[c for c in Stage.choices if c[0] != Stage.NONE])
    comment = forms.CharField(required=False, widget=forms.Textarea, help_text="Why.")


class TagsDialog(DialogForm):
    """Tags, one per line."""

    tags = forms.CharField(widget=forms.Textarea, help_text="One key=value per line.")

    def clean_tags(self) -> dict[str, str]:
        """Keys and values; a line without `=` is an error."""
        lines = [line.strip() for line in self.cleaned_data["tags"].splitlines() if line.strip()]
        if wrong := [line for line in lines if "=" not in line]:
            raise forms.ValidationError(f"Not key=value: {wrong[0]}")
        pairs = (line.split("=", 1) for line in lines)
        return {key.strip(): value.strip() for key, value in pairs}


@admin.register(ModelVersion)
class ModelVersionAdmin(ScopedAdmin):
    """Immutable artifacts, with what may be done with them."""

    view_permission = "registry.view_model"
    empty_hint = "Versions are registered through the API or the Python client."
    list_display = (
        "name",
        "stage_label",
        "artifact_label",
        "sync_label",
        "flavor",
        "parent_label",
        "registered_by",
        "created",
    )
    list_select_related = ("model__project", "parent__model", "registered_by")
    list_filter = (
        ("stage", ChoicesDropdownFilter),
        ("artifact_state", ChoicesDropdownFilter),
        ("sync_state", ChoicesDropdownFilter),
    )
    search_fields = ("^model__model_id", "=public_id", "=tree_digest", "=run_id")
    search_help_text = "By model id, version id, digest or run."
    actions_detail: tuple[str, ...] = ("promote", "tag", "retry_artifact", "retry_sync")

    @display(description="version")
    def name(self, obj: ModelVersion) -> str:
        return str(obj)

    @display(description="stage", ordering="stage")
    def stage_label(self, obj: ModelVersion) -> str:
        return markup.badge(obj.stage)

    @display(description="artifact", ordering="artifact_state")
    def artifact_label(self, obj: ModelVersion) -> str:
        return markup.badge(obj.artifact_state)

    @display(description="MLflow", ordering="sync_state")
    def sync_label(self, obj: ModelVersion) -> str:
        return markup.badge(obj.sync_state)

    @display(description="parent")
    def parent_label(self, obj: ModelVersion) -> str:
        if obj.parent is None:
            return markup.NOTHING
        same = obj.parent.model_id == obj.model_id
        return markup.object_link(obj.parent, f"v{obj.parent.number}" if same else "")

    @display(description="registered", ordering="created_at")
    def created(self, obj: ModelVersion) -> str:
        return markup.moment(obj.created_at)

    @dialog_action(
        Dialog(
            title="Promote",
            text="Ask for a move to another stage. Checks run now; a second person decides.",
            submit="Ask for promotion",
            needs="registry.request_promotion",
            icon="moving",
            form=PromotionDialog,
            when=lambda obj: obj.artifact_state == ArtifactState.READY,
        )
    )
    def promote(self, request: HttpRequest, obj: ModelVersion, data: dict[str, Any]) -> str:
        services.request_promotion(
            version_id=obj.pk,
            target=Stage(data["target"]),
            comment=data["comment"],
            actor=self.actor(request),
        )
        return f"Promotion of {obj} to {data['target']} was asked for; a second person decides."

    @dialog_action(
        Dialog(
            title="Tag",
            text="Tags are what versions are searched by. A key given again gets the new value.",
            submit="Set tags",
            needs="registry.register_version",
            icon="sell",
            form=TagsDialog,
        )
    )
    def tag(self, request: HttpRequest, obj: ModelVersion, data: dict[str, Any]) -> str:
        services.set_tags(version_id=obj.pk, tags=data["tags"], actor=self.actor(request))
        return f"Tags were set: {', '.join(sorted(data['tags']))}."

    @dialog_action(
        Dialog(
            title="Copy again",
            text="Try once more to copy the artifact from its source into the content store.",
            submit="Copy again",
            needs="registry.register_version",
            icon="refresh",
            when=lambda obj: obj.artifact_state == ArtifactState.FAILED,
        )
    )
    def retry_artifact(self, request: HttpRequest, obj: ModelVersion, data: dict[str, Any]) -> str:
        services.retry_artifact(version_id=obj.pk, actor=self.actor(request))
        return "The artifact is being copied again."

    @dialog_action(
        Dialog(
            title="Sync again",
            text="Show this version to MLflow once more, as the registry states it.",
            submit="Sync again",
            needs="registry.register_version",
            icon="sync",
            when=lambda obj: obj.sync_state != SyncState.SYNCED,
        )
    )
    def retry_sync(self, request: HttpRequest, obj: ModelVersion, data: dict[str, Any]) -> str:
        services.retry_sync(version_id=obj.pk, actor=self.actor(request))
        return "MLflow will be told again."

    def page(self, request: HttpRequest, obj: ModelVersion) -> Page:
        panels = [import_string(path)(request, obj) for path in settings.VERSION_PANELS]
        return Page(
            title=str(obj),
            badges=(markup.badge(obj.stage), markup.badge(obj.artifact_state)),
            lead=obj.description,
            notices=_notices(obj),
            facts=_facts(obj),
            panels=(
                _values("Metrics", obj.metrics, "No metric was stated."),
                _values("Parameters", obj.parameters, "No parameter was stated."),
                *panels,
                _promotions(obj),
                lineage_panel(lineage_around(request.user, [obj.public_id]), obj.public_id),
                _tags(obj),
                _training_data(obj),
                self.activity(request, obj),
            ),
        )


for _path in settings.VERSION_ACTIONS:
    _action = import_string(_path)
    setattr(ModelVersionAdmin, _action.__name__, _action)
    ModelVersionAdmin.actions_detail = (*ModelVersionAdmin.actions_detail, _action.__name__)


def _notices(obj: ModelVersion) -> list[Notice]:
    notices = []
    if obj.artifact_error:
        notices.append(Notice(f"The artifact: {obj.artifact_error}", "danger"))
    if obj.sync_state == SyncState.CONFLICT:
        text = obj.mlflow_note or "This version was changed on both sides."
        notices.append(Notice(f"MLflow: {text}", "warning"))
    return notices


def _facts(obj: ModelVersion) -> tuple[Fact, ...]:
    files = f"{obj.file_count} files, {markup.size(obj.size_bytes)}" if obj.file_count else "—"
    mlflow = f"{obj.mlflow_name} {obj.mlflow_version}".strip()
    return (
        Fact("Model", markup.object_link(obj.model)),
        Fact("Parent", markup.object_link(obj.parent)),
        Fact("Format", obj.flavor or "—"),
        Fact("Artifact", files),
        Fact("Tree digest", markup.mono(obj.tree_digest, 16), "sha256 over all files"),
        Fact("Source", markup.mono(obj.source, 60)),
        Fact("Run", markup.mono(obj.run_id, 12)),
        Fact("MLflow", markup.badge(obj.sync_state), mlflow),
        Fact("Registered by", obj.registered_by.username),
        Fact("Registered", markup.moment(obj.created_at)),
        Fact("Id", markup.mono(obj.public_id)),
    )


def _values(title: str, values: dict[str, Any], empty: str) -> Panel:
    rows = [(name, markup.mono(str(value))) for name, value in sorted(values.items())]
    return table(title, ("Name", "Value"), rows, empty=empty, wide=False)


def _tags(obj: ModelVersion) -> Panel:
    rows = [(tag.key, markup.cut(tag.value, TAG_SHOWN)) for tag in obj.tags.all()]
    return table("Tags", ("Key", "Value"), rows, empty="No tag. Set some above.", wide=False)


def _training_data(obj: ModelVersion) -> Panel:
    rows = [
        (markup.object_link(version), version.row_count or "—")
        for version in obj.training_data.select_related("dataset")
    ]
    empty = "None was named when the version was registered."
    return table("Training data", ("Dataset version", "Rows"), rows, empty=empty, wide=False)


def _promotions(obj: ModelVersion) -> Panel:
    rows = [
        (
            markup.object_link(promotion, f"to {promotion.target}"),
            markup.badge(promotion.status),
            promotion.requested_by.username,
            promotion.decided_by.username if promotion.decided_by else "—",
            markup.moment(promotion.created_at),
        )
        for promotion in obj.promotions.select_related("requested_by", "decided_by")[
            :PROMOTIONS_SHOWN
        ]
    ]
    return table(
        "Promotions",
        ("Promotion", "State", "Asked by", "Decided by", "Asked"),
        rows,
        empty="None yet. Promote this version above.",
    )
