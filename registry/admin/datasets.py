from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from hokusai.accounts.models import Project
from hokusai.accounts.permissions import projects_where
from hokusai.core.errors import Forbidden
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.forms import CommentDialog, ConsoleForm, look_up, offer
from hokusai.web.graphs import lineage_panel
from hokusai.web.links import to_file
from hokusai.web.panels import Fact, Notice, Page, Panel, plain, table
from registry import services
from registry.admin.archived import ArchivedFilter
from registry.admin.table_panels import table_panels
from registry.choices import Access
from registry.models import Dataset, DatasetVersion
from registry.reports import lineage_around

VERSIONS_SHOWN = 20
FORMATS = (("csv", "CSV"), ("parquet", "Parquet"), ("jsonl", "JSON lines"))


class DatasetForm(ConsoleForm):
    """A new line of tables."""

    project = forms.ModelChoiceField(Project.objects.none())
    slug = forms.SlugField(max_length=63, help_text="Short name for addresses, never changed.")
    name = forms.CharField(max_length=200)
    description = forms.CharField(required=False, widget=forms.Textarea)

    def scope(self, user: Any) -> None:
        offer(self, "project", projects_where(user, "registry.add_dataset"))


class DatasetVersionForm(ConsoleForm):
    """A table for a dataset."""

    file = forms.FileField(help_text="CSV, Parquet or JSON lines, one row per example.")
    file_format = forms.ChoiceField(choices=FORMATS)
    label_column = forms.CharField(required=False, max_length=200)
    id_column = forms.CharField(required=False, max_length=200)
    access = forms.ChoiceField(
        choices=Access.choices, help_text="A benchmark's rows are for stewards alone."
    )

    def scope(self, user: Any) -> None:
        allowed = Dataset.objects.filter(project__in=projects_where(user, "registry.add_dataset"))
        field = DatasetVersion._meta.get_field("dataset")  # noqa: SLF001
        self.fields = {"dataset": look_up(field, allowed), **self.fields}


@admin.register(Dataset)
class DatasetAdmin(ScopedAdmin):
    """Lines of tables."""

    view_permission = "registry.view_dataset"
    add_permission = "registry.add_dataset"
    add_form = DatasetForm
    add_lead = "A dataset is a named line of immutable tables."
    empty_hint = "Benchmarks and training data are versions of a dataset. Add the first one."
    list_display = ("name", "slug", "project", "created")
    list_select_related = ("project",)
    search_fields = ("^slug", "^name")
    list_filter = (ArchivedFilter, ("created_at", admin.DateFieldListFilter))
    actions_detail = ("archive", "restore")

    @display(description="made", ordering="created_at")
    def created(self, obj: Dataset) -> str:
        return markup.moment(obj.created_at)

    @dialog_action(
        Dialog(
            title="Archive",
            text="The dataset leaves the lists and takes no new table. Nothing is deleted: what "
            "was trained on it still names it, and it can be brought back.",
            submit="Archive",
            needs="registry.archive_dataset",
            icon="archive",
            form=CommentDialog,
            when=lambda obj: obj.archived_at is None,
        )
    )
    def archive(self, request: HttpRequest, obj: Dataset, data: dict[str, Any]) -> str:
        services.archive_dataset(
            dataset_id=obj.pk, comment=data["comment"], actor=self.actor(request)
        )
        return f"{obj} is archived."

    @dialog_action(
        Dialog(
            title="Restore",
            text="Bring this dataset back into the lists; it takes tables again.",
            submit="Restore",
            needs="registry.archive_dataset",
            icon="unarchive",
            when=lambda obj: obj.archived_at is not None,
        )
    )
    def restore(self, request: HttpRequest, obj: Dataset, data: dict[str, Any]) -> str:
        services.unarchive_dataset(dataset_id=obj.pk, actor=self.actor(request))
        return f"{obj} is back."

    def create(self, request: HttpRequest, data: dict[str, Any]) -> Dataset:
        return services.create_dataset(actor=self.actor(request), **data)

    def page(self, request: HttpRequest, obj: Dataset) -> Page:
        rows = [
            (
                markup.object_link(version, f"version {version.number}"),
                markup.badge(version.state),
                version.row_count if version.row_count is not None else "—",
                markup.badge(version.access, "quiet"),
                markup.moment(version.created_at),
            )
            for version in obj.versions.all()[:VERSIONS_SHOWN]
        ]
        versions = table(
            "Versions",
            ("Version", "State", "Rows", "Who may read", "Added"),
            rows,
            empty="No table yet. Add a dataset version.",
        )
        return Page(
            title=obj.name,
            badges=(markup.badge("archived"),) if obj.archived_at else (),
            lead=obj.description,
            facts=(
                Fact("Project", markup.object_link(obj.project)),
                Fact("Name in addresses", markup.mono(obj.slug)),
                Fact("Id", markup.mono(obj.public_id)),
                Fact("Made", markup.moment(obj.created_at)),
            ),
            panels=(versions, self.activity(request, obj)),
        )


@admin.register(DatasetVersion)
class DatasetVersionAdmin(ScopedAdmin):
    """Immutable tables: their digests and columns; rows are not shown here."""

    view_permission = "registry.view_dataset"
    add_permission = "registry.add_dataset"
    add_form = DatasetVersionForm
    add_lead = "The rows are read and digested in the background; what cannot be used is refused."
    empty_hint = "Upload a table to a dataset to compare or train on it."
    list_display = ("name", "state_label", "row_count", "size", "access", "created")
    list_select_related = ("dataset__project", "uploaded_by")
    list_filter = (("state", ChoicesDropdownFilter), ("access", ChoicesDropdownFilter))
    search_fields = ("=public_id", "^dataset__slug", "^dataset__name")

    @display(description="dataset version")
    def name(self, obj: DatasetVersion) -> str:
        return str(obj)

    @display(description="state", ordering="state")
    def state_label(self, obj: DatasetVersion) -> str:
        return markup.badge(obj.state)

    @display(description="size", ordering="size_bytes")
    def size(self, obj: DatasetVersion) -> str:
        return markup.size(obj.size_bytes)

    @display(description="added", ordering="created_at")
    def created(self, obj: DatasetVersion) -> str:
        return markup.moment(obj.created_at)

    def create(self, request: HttpRequest, data: dict[str, Any]) -> DatasetVersion:
        if not self.may(request, self.add_permission, data["dataset"]):
            raise Forbidden("You may not add tables to this dataset.")
        content = data.pop("file").read()
        return services.add_dataset_version(content=content, actor=self.actor(request), **data)

    def page(self, request: HttpRequest, obj: DatasetVersion) -> Page:
        readable = DatasetVersion.objects.readable_by(request.user).filter(pk=obj.pk).exists()
        return Page(
            title=str(obj),
            badges=(markup.badge(obj.state), markup.badge(obj.access, "quiet")),
            notices=[Notice(str(reason), "danger") for reason in _texts(obj.reasons)],
            facts=_dataset_facts(obj, readable=readable),
            panels=(
                *table_panels(obj, readable=readable),
                _trained(request, obj),
                plain("Rows digest", obj.rows_digest, empty="Not digested yet.", wide=False),
                lineage_panel(lineage_around(request.user, [obj.public_id]), obj.public_id),
                self.activity(request, obj),
            ),
        )

    def get_urls(self) -> list[Any]:
        """With the way to the file."""
        own = path(
            "<int:object_id>/file/",
            self.admin_site.admin_view(self.file_view),
            name="registry_datasetversion_file",
        )
        return [own, *super().get_urls()]

    def file_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To the table's file, for those who may read its rows."""
        obj = self.object_or_404(request, str(object_id))
        if not DatasetVersion.objects.readable_by(request.user).filter(pk=obj.pk).exists():
            raise PermissionDenied
        return to_file(services.open_table(dataset_version_id=obj.pk, actor=self.actor(request)))


def _trained(request: HttpRequest, obj: DatasetVersion) -> Panel:
    versions = obj.trained.visible_to(request.user).select_related("model")[:VERSIONS_SHOWN]
    rows = [
        (
            markup.object_link(version),
            markup.badge(version.stage),
            markup.moment(version.created_at),
        )
        for version in versions
    ]
    return table(
        "Used by",
        ("Version", "Stage", "Registered"),
        rows,
        empty="No version names it as its training data.",
        hint="What came of them: Lineage, below.",
        wide=False,
    )


def _texts(reasons: list[Any]) -> list[str]:
    return [r.get("message", str(r)) if isinstance(r, dict) else str(r) for r in reasons]


def _dataset_facts(obj: DatasetVersion, *, readable: bool) -> tuple[Fact, ...]:
    file = f"{obj.file_format}, {markup.size(obj.size_bytes)}"
    if readable:
        url = reverse("admin:registry_datasetversion_file", args=[obj.pk])
        file = markup.link(f"{file}, download", url)
    return (
        Fact("Dataset", markup.object_link(obj.dataset)),
        Fact("Project", markup.object_link(obj.dataset.project)),
        Fact("Rows", obj.row_count if obj.row_count is not None else markup.NOTHING),
        Fact("File", file),
        Fact("Label column", markup.mono(obj.label_column)),
        Fact("Id column", markup.mono(obj.id_column)),
        Fact("File digest", markup.mono(obj.file_digest, 16)),
        Fact("Uploaded by", obj.uploaded_by.username),
        Fact("Added", markup.moment(obj.created_at)),
        Fact("Id", markup.mono(obj.public_id)),
    )
