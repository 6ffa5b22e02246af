from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from deployments.batch_choices import BatchStatus, OnError
from deployments.batch_models import BatchChunk, BatchPrediction
from deployments.batch_pages import names_in
from deployments.batches import services
from deployments.batches.reports import Progress, chunks_shown, progress_of, with_progress
from hokusai.accounts.permissions import projects_where
from hokusai.core.errors import Forbidden, InvalidInput
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.forms import ConsoleForm, look_up
from hokusai.web.links import to_file
from hokusai.web.panels import Fact, Notice, Page, Panel, table
from registry.models import DatasetVersion, ModelVersion

REFRESH_S = 2
CHUNKS_SHOWN = 60
RUN = "deployments.run_batch"
TONE = {
    BatchStatus.SUCCEEDED: "success",
    BatchStatus.FAILED: "danger",
    BatchStatus.CANCELLED: "quiet",
}


class BatchForm(ConsoleForm):
    """A version, and a table: one that is here, or a file."""

    file = forms.FileField(
        required=False, help_text="CSV, JSON lines, Parquet or an Arrow stream; or choose a table."
    )
    id_column = forms.CharField(
        required=False, max_length=200, help_text="Stands beside the outputs."
    )
    ignored_columns = forms.CharField(
        required=False, help_text="Columns that the model is not given, separated by commas."
    )
    on_error = forms.ChoiceField(
        label="A row that the model refuses",
        choices=((OnError.FAIL, "ends the batch"), (OnError.MARK, "is marked, with the reason")),
    )

    def scope(self, user: Any) -> None:
        projects = projects_where(user, RUN)
        of = BatchPrediction._meta.get_field  # noqa: SLF001
        versions = ModelVersion.objects.filter(project__in=projects)
        tables = DatasetVersion.objects.readable_by(user).filter(dataset__project__in=projects)
        self.fields = {
            "version": look_up(of("version"), versions),
            "dataset_version": look_up(of("dataset_version"), tables, required=False),
            **self.fields,
        }


@admin.register(BatchPrediction)
class BatchPredictionAdmin(ScopedAdmin):
    """Predictions for whole tables."""

    view_permission = "deployments.view_deployment"
    add_permission = RUN
    add_form = BatchForm
    add_lead = "One row of outputs for each row of the table, as one Parquet file."
    empty_hint = "Open a version that is ready and choose Batch prediction, or add one here."
    list_display = ("name", "status_label", "bar", "rows", "created_by", "created")
    list_select_related = (
        "version__model__project",
        "version__project",
        "deployment__model",
        "dataset_version__dataset",
        "created_by",
        "job",
    )
    list_filter = (("status", ChoicesDropdownFilter), ("created_at", admin.DateFieldListFilter))
    search_fields = ("=public_id", "^version__model__model_id", "^file_name")
    actions_detail = ("cancel", "resume")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return with_progress(super().get_queryset(request))

    @display(description="batch")
    def name(self, obj: BatchPrediction) -> str:
        return str(obj)

    @display(description="state", ordering="status")
    def status_label(self, obj: BatchPrediction) -> str:
        return markup.badge(obj.status)

    @display(description="done")
    def bar(self, obj: BatchPrediction) -> str:
        return markup.progress(progress_of(obj).percent, TONE.get(BatchStatus(obj.status), "info"))

    @display(description="rows")
    def rows(self, obj: BatchPrediction) -> str:
        return "—" if obj.row_count is None else f"{obj.row_count:,}"

    @display(description="asked for", ordering="created_at")
    def created(self, obj: BatchPrediction) -> str:
        return markup.moment(obj.created_at)

    @dialog_action(
        Dialog(
            title="Cancel",
            text="Stop this batch. Parts that are done are kept, and it can go on later.",
            submit="Cancel the batch",
            needs=RUN,
            icon="stop_circle",
            variant=ActionVariant.DANGER,
            when=lambda obj: obj.status in BatchStatus.under_way(),
        )
    )
    def cancel(self, request: HttpRequest, obj: BatchPrediction, data: dict[str, Any]) -> str:
        services.cancel_batch(batch_id=obj.pk, actor=self.actor(request))
        return f"{obj} was cancelled."

    @dialog_action(
        Dialog(
            title="Resume",
            text="Go on where it stopped: parts that are done are not done again.",
            submit="Resume",
            needs=RUN,
            icon="resume",
            variant=ActionVariant.PRIMARY,
            when=lambda obj: obj.status in BatchStatus.resumable() and obj.forgotten_at is None,
        )
    )
    def resume(self, request: HttpRequest, obj: BatchPrediction, data: dict[str, Any]) -> str:
        services.resume_batch(batch_id=obj.pk, actor=self.actor(request))
        return f"{obj} goes on."

    def create(self, request: HttpRequest, data: dict[str, Any]) -> BatchPrediction:
        if not self.may(request, RUN, data["version"]):
            raise Forbidden("You may not run batches with this model.")
        options = services.BatchOptions(
            id_column=data["id_column"],
            ignored_columns=names_in(data["ignored_columns"]),
            on_error=data["on_error"],
        )
        return services.request_batch(
            version=data["version"],
            actor=self.actor(request),
            source=_source(data),
            options=options,
        )

    def page(self, request: HttpRequest, obj: BatchPrediction) -> Page:
        under_way = obj.status in BatchStatus.under_way()
        done = progress_of(obj)
        return Page(
            title=str(obj),
            badges=(markup.badge(obj.status),),
            notices=_notices(obj),
            facts=_facts(obj, may_fetch=self.may(request, RUN, obj)),
            panels=(_progress(obj, done), _chunks(obj), self.activity(request, obj)),
            refresh_s=REFRESH_S if under_way else 0,
        )

    def get_urls(self) -> list[Any]:
        """With the way to the outputs."""
        own = path(
            "<int:object_id>/result/",
            self.admin_site.admin_view(self.result_view),
            name="deployments_batchprediction_result",
        )
        return [own, *super().get_urls()]

    def result_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To the file with the outputs, for those who may run batches."""
        obj = self.object_or_404(request, str(object_id))
        if not self.may(request, RUN, obj):
            raise PermissionDenied
        return to_file(services.open_result(batch_id=obj.pk, actor=self.actor(request)))


def _source(data: dict[str, Any]) -> DatasetVersion | services.UploadedTable:
    if (data["file"] is None) == (data["dataset_version"] is None):
        raise InvalidInput("Choose a table or give a file, one of both.")
    if data["file"] is None:
        chosen: DatasetVersion = data["dataset_version"]
        return chosen
    name = data["file"].name
    ending = name.lower().rpartition(".")[2]
    return services.UploadedTable(name, ending, data["file"].read())


def _notices(obj: BatchPrediction) -> list[Notice]:
    if obj.status == BatchStatus.FAILED:
        next_step = "Resume goes on with the same table; with a mended one, ask for a new batch."
        return [Notice(f"{obj.error} {next_step}", "danger")]
    if obj.forgotten_at is not None:
        return [Notice("Its table and its outputs were let go of; the record stays.", "info")]
    if obj.status == BatchStatus.CANCELLED:
        return [Notice("It was cancelled. Choose Resume to let it go on.", "warning")]
    if obj.status == BatchStatus.QUEUED:
        return [Notice("Waiting for a worker. This page refreshes itself.", "info")]
    return []


def _facts(obj: BatchPrediction, *, may_fetch: bool) -> tuple[Fact, ...]:
    fetchable = obj.status == BatchStatus.SUCCEEDED and obj.forgotten_at is None and may_fetch
    output: Any = markup.NOTHING
    until = ""
    if fetchable:
        until = f"until {obj.expires_at:%Y-%m-%d}" if obj.expires_at else ""
        url = reverse("admin:deployments_batchprediction_result", args=[obj.pk])
        output = markup.link(f"Parquet, {markup.size(obj.output_bytes)}, download", url)
    data = markup.object_link(obj.dataset_version) if obj.dataset_version else obj.file_name
    return (
        Fact("Outputs", output, until),
        Fact("Version", markup.object_link(obj.version)),
        Fact("Deployment", markup.object_link(obj.deployment)),
        Fact("Table", data, f"{obj.file_format}, {markup.size(obj.size_bytes)}"),
        Fact("Id column", markup.mono(obj.id_column)),
        Fact("Columns left out", markup.lines(obj.ignored_columns) or markup.NOTHING),
        Fact("A refused row", "is marked" if obj.on_error == OnError.MARK else "ends the batch"),
        Fact("Model's bytes", markup.mono(obj.digest, 16)),
        Fact("Outputs' bytes", markup.mono(obj.output_digest, 16)),
        Fact("Asked for by", obj.created_by.username),
        Fact("Asked for", markup.moment(obj.created_at)),
        Fact("Ended", markup.moment(obj.finished_at)),
        Fact("Id", markup.mono(obj.public_id)),
    )


def _progress(obj: BatchPrediction, done: Progress) -> Panel:
    rows = "—" if obj.row_count is None else f"{done.rows_done:,}"
    of = "" if obj.row_count is None else f"of {obj.row_count:,}"
    rate = "—" if done.rows_per_s is None else f"{done.rows_per_s:,.0f}"
    left = "—" if done.eta_s is None else _duration(done.eta_s)
    tone = TONE.get(BatchStatus(obj.status), "info")
    figures = [
        {"label": "Done", "value": markup.progress(done.percent, tone)},
        {"label": "Rows", "value": rows, "hint": of},
        {"label": "Rows per second", "value": rate, "hint": "since it was started last"},
        {"label": "Left", "value": left, "hint": "at this rate"},
        {
            "label": "Refused rows",
            "value": f"{obj.rows_marked:,}",
            "hint": "without outputs, with the reason" if obj.rows_marked else "",
        },
    ]
    return Panel("Progress", "console/panels/figures.html", {"figures": figures})


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _chunks(obj: BatchPrediction) -> Panel:
    found = chunks_shown(obj, CHUNKS_SHOWN)
    total = obj.chunks.count() if len(found) == CHUNKS_SHOWN else len(found)
    hint = f"{len(found)} of {total} parts" if total > len(found) else ""
    return table(
        "Parts",
        ("Part", "Rows", "State", "Done", "Refused", "Size", "Ended", "Job"),
        [_chunk_row(chunk) for chunk in found],
        empty="The parts are planned once a worker has read the table.",
        hint=hint,
    )


def _chunk_row(chunk: BatchChunk) -> tuple[Any, ...]:
    last = chunk.first_row + chunk.rows - 1
    return (
        chunk.position,
        f"{chunk.first_row:,} to {last:,}",
        markup.badge(chunk.status, {"done": "success", "asked": "info"}.get(chunk.status, "quiet")),
        markup.progress(100 * chunk.rows_done // max(1, chunk.rows)),
        chunk.rows_marked or "—",
        markup.size(chunk.output_bytes),
        markup.moment(chunk.finished_at),
        markup.object_link(chunk.job, chunk.job.status if chunk.job else ""),
    )
