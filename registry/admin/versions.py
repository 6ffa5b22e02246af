from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.utils.module_loading import import_string
from unfold.decorators import display

from hokusai.core.errors import DomainError
from hokusai.web import markup
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.graphs import lineage_panel
from hokusai.web.keyset import KeysetChangeList
from hokusai.web.links import to_file
from hokusai.web.panels import Page
from registry import services
from registry.admin import version_panels as shown
from registry.admin.files import files_page
from registry.admin.filters import VERSION_FILTERS, found_by_text
from registry.admin.registration import RegistrationForm
from registry.admin.sharing import SharedAdmin, is_theirs, link_if_seen, shared_badges
from registry.admin.version_dialogs import (
    CardDialog,
    DescribeDialog,
    PromotionDialog,
    TagsDialog,
    UntagDialog,
)
from registry.choices import ArtifactState, Stage, SyncState, TagKind
from registry.models import ModelVersion
from registry.reports import lineage_around


@admin.register(ModelVersion)
class ModelVersionAdmin(SharedAdmin):
    """Immutable artifacts, with what may be done with them."""

    view_permission = "registry.view_model"
    add_permission = "registry.register_version"
    add_form = RegistrationForm
    add_lead = "Files are copied, looked through and digested in the background."
    empty_hint = "Add a version here, or register one through the API or the Python client."
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
    list_filter = VERSION_FILTERS
    # Shows the box; what is typed there is looked for by `get_search_results`.
    search_fields = ("public_id",)
    search_help_text = "Words of names and descriptions; a version's id, digest or run."
    actions_detail: tuple[str, ...] = (
        "promote",
        "describe",
        "write_card",
        "tag",
        "untag",
        "retry_artifact",
        "retry_sync",
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[KeysetChangeList]:
        return KeysetChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return found_by_text(request, queryset, search_term), False

    def create(self, request: HttpRequest, data: dict[str, Any]) -> ModelVersion:
        data.pop("folder")
        return services.register_version(slug=data.pop("model"), actor=self.actor(request), **data)

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
        if obj.parent.project_id != obj.project_id:
            # Whether it may be seen, its own page asks.
            return "of another project"
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
            evidence=data["evidence"],
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
        kind = data["kind"] or TagKind.TEXT
        tags = {key: {"value": value, "kind": kind} for key, value in data["tags"].items()}
        services.set_tags(version_id=obj.pk, tags=tags, actor=self.actor(request))
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

    @dialog_action(
        Dialog(
            title="Remove tags",
            text="Take tags off this version; what they were stays in the record.",
            submit="Remove",
            needs="registry.register_version",
            icon="label_off",
            form=UntagDialog,
            when=lambda obj: obj.tags.exists(),
        )
    )
    def untag(self, request: HttpRequest, obj: ModelVersion, data: dict[str, Any]) -> str:
        services.remove_tags(version_id=obj.pk, keys=data["keys"], actor=self.actor(request))
        return f"Tags were removed: {', '.join(sorted(data['keys']))}."

    @dialog_action(
        Dialog(
            title="Describe",
            text="State anew what this version is; what it was before stays in the record.",
            submit="Save",
            needs="registry.register_version",
            icon="edit",
            form=DescribeDialog,
        )
    )
    def describe(self, request: HttpRequest, obj: ModelVersion, data: dict[str, Any]) -> str:
        services.describe_version(
            version_id=obj.pk,
            description=data["description"],
            licence=data["licence"],
            security_level=data["security_level"],
            code_revision=data["code_revision"],
            actor=self.actor(request),
        )
        return f"{obj} is described as you say."

    @dialog_action(
        Dialog(
            title="Write card",
            text="A complete card names intended use, training data, evaluation, limitations and "
            "licence.",
            submit="Save card",
            needs="registry.register_version",
            icon="article",
            form=CardDialog,
        )
    )
    def write_card(self, request: HttpRequest, obj: ModelVersion, data: dict[str, Any]) -> str:
        services.describe_version(version_id=obj.pk, card=data["card"], actor=self.actor(request))
        return f"The card of {obj} was saved."

    def get_urls(self) -> list[Any]:
        """With the list of files and the way to each."""
        own = [
            path(
                "<int:object_id>/files/",
                self.admin_site.admin_view(self.files_view),
                name="registry_modelversion_files",
            ),
            path(
                "<int:object_id>/files/<path:file_path>",
                self.admin_site.admin_view(self.file_view),
                name="registry_modelversion_file",
            ),
        ]
        return [*own, *super().get_urls()]

    def files_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The files of a version with their digests."""
        obj = self.object_or_404(request, str(object_id))
        return self.render_page(request, obj, files_page(obj))

    def file_view(self, request: HttpRequest, object_id: int, file_path: str) -> HttpResponse:
        """To one file, for those whom the version's level of secrecy lets have it."""
        obj = self.object_or_404(request, str(object_id))
        try:
            found = services.open_file(
                version_id=obj.pk, path=file_path, user=request.user, actor=self.actor(request)
            )
        except DomainError as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(markup.object_url(obj))
        return to_file(found)

    def page(self, request: HttpRequest, obj: ModelVersion) -> Page:
        panels = [import_string(path)(request, obj) for path in settings.VERSION_PANELS]
        theirs = is_theirs(request, obj.project)
        return Page(
            title=str(obj),
            badges=(
                markup.badge(obj.stage),
                markup.badge(obj.artifact_state),
                *shared_badges(request, obj.project),
            ),
            lead=obj.description,
            notices=shown.notices(obj),
            facts=shown.facts(obj, link_if_seen(request, obj.parent)),
            panels=(
                shown.values("Metrics", obj.metrics, "No metric was stated."),
                shown.values("Parameters", obj.parameters, "No parameter was stated."),
                *panels,
                None if theirs else shown.promotions(obj),
                lineage_panel(lineage_around(request.user, [obj.public_id]), obj.public_id),
                shown.card(obj),
                shown.scan(obj),
                shown.tags(obj),
                None if theirs else shown.training_data(obj),
                shown.requirements(obj),
                shown.signatures(obj),
                shown.uses(request, obj),
                shown.input_example(obj),
                self.activity(request, obj),
            ),
        )


for _path in settings.VERSION_ACTIONS:
    _action = import_string(_path)
    setattr(ModelVersionAdmin, _action.__name__, _action)
    ModelVersionAdmin.actions_detail = (*ModelVersionAdmin.actions_detail, _action.__name__)
