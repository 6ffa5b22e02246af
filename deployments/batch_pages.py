"""What batches put on the page of a version."""

from typing import Any

from django import forms
from django.http import HttpRequest

from deployments.batch_choices import OnError
from deployments.batches import services
from deployments.models import BatchPrediction
from hokusai.web import markup
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.forms import DialogForm, offer
from hokusai.web.panels import Panel, table
from registry.choices import Access, ArtifactState, DatasetState, Stage
from registry.models import DatasetVersion, ModelVersion

CHOICES_SHOWN = 100
BATCHES_SHOWN = 10


class BatchDialog(DialogForm):
    """On which table, and what becomes of a row that the model refuses."""

    dataset_version = forms.ModelChoiceField(
        DatasetVersion.objects.none(),
        label="Table",
        help_text="A usable dataset version of the project; for a file, add a batch in the list.",
    )
    id_column = forms.CharField(
        required=False, max_length=200, help_text="Stands beside the outputs."
    )
    ignored_columns = forms.CharField(
        required=False,
        help_text="Columns that the model is not given, separated by commas. Label and id of the "
        "dataset never are.",
    )
    on_error = forms.ChoiceField(
        label="A row that the model refuses",
        choices=((OnError.FAIL, "ends the batch"), (OnError.MARK, "is marked, with the reason")),
    )

    def scope(self, user: Any) -> None:
        version = ModelVersion.objects.filter(pk=self.object_id).first()
        if version is None:
            return
        tables = DatasetVersion.objects.readable_by(user).filter(
            dataset__project=version.project_id, access=Access.MEMBERS, state=DatasetState.USABLE
        )
        newest = tables.order_by("-pk").values("pk")[:CHOICES_SHOWN]
        offer(
            self,
            "dataset_version",
            DatasetVersion.objects.filter(pk__in=newest).select_related("dataset"),
        )


@dialog_action(
    Dialog(
        title="Batch prediction",
        text="Ask this version about every row of a table. Workers do it in parts; the outputs are "
        "one Parquet file.",
        submit="Start",
        needs="deployments.run_batch",
        icon="table_rows",
        form=BatchDialog,
        when=lambda obj: obj.artifact_state == ArtifactState.READY and obj.stage != Stage.ARCHIVED,
    )
)
def predict_batch(self: Any, request: HttpRequest, obj: ModelVersion, data: dict[str, Any]) -> str:
    """Ask this version about every row of a table."""
    batch = services.request_batch(
        version=obj,
        actor=self.actor(request),
        source=data["dataset_version"],
        options=services.BatchOptions(
            id_column=data["id_column"],
            ignored_columns=names_in(data["ignored_columns"]),
            on_error=data["on_error"],
        ),
    )
    return f"{batch} waits for a worker; see Batch predictions."


def names_in(text: str) -> list[str]:
    """Names that somebody wrote with commas between them."""
    return [name for part in text.split(",") if (name := part.strip())]


def batches_of(request: HttpRequest, version: ModelVersion) -> Panel | None:
    """The batches that a version answered; None where it answered none."""
    batches = (
        BatchPrediction.objects.of_member(request.user)
        .filter(version=version)
        .select_related("version__model", "dataset_version__dataset")[:BATCHES_SHOWN]
    )
    rows = [
        (
            markup.object_link(batch, str(batch.dataset_version or batch.file_name)),
            markup.badge(batch.status),
            "—" if batch.row_count is None else f"{batch.row_count:,}",
            markup.moment(batch.created_at),
        )
        for batch in batches
    ]
    headers = ("Table", "State", "Rows", "Asked for")
    return table("Batch predictions", headers, rows, empty="") if rows else None
