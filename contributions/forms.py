"""Forms by which people give data."""

from typing import Any

from django import forms
from django.conf import settings

from contributions.algorithms.addresses import InvalidAddress, normalise_address
from contributions.choices import Licence
from hokusai.accounts.permissions import projects_where
from hokusai.web.forms import ConsoleForm, offer
from registry.models import Model

_ENDINGS = {".csv": "csv", ".parquet": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}


def models_open_to(user: Any) -> Any:
    """Models of the projects in which a person may contribute, with their projects."""
    allowed = projects_where(user, "contributions.add_contribution")
    return Model.objects.filter(project__in=allowed).select_related("project").order_by("model_id")


class GiftFields(forms.Form):
    """What a contribution needs; the file's name tells its format."""

    model = forms.ModelChoiceField(
        Model.objects.none(), empty_label="Choose a model", help_text="The model this may improve."
    )
    address = forms.CharField(
        max_length=42,
        label="Your address",
        help_text="The Ethereum address that is credited: 0x and 40 hexadecimal digits.",
    )
    contributor_name = forms.CharField(
        max_length=200, required=False, label="Your name", help_text="Shown beside your credit."
    )
    file = forms.FileField(help_text="One row per example: CSV, Parquet or JSON lines.")
    label_column = forms.CharField(
        max_length=200, help_text="The column that holds the right answers."
    )
    licence = forms.ChoiceField(choices=Licence.choices, help_text="Under which you give the data.")
    note = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Where the data comes from, for those who decide.",
    )

    def clean_address(self) -> str:
        """The address in EIP-55 spelling."""
        try:
            return normalise_address(self.cleaned_data["address"].strip())
        except InvalidAddress as error:
            raise forms.ValidationError(str(error)) from error

    def clean_file(self) -> Any:
        """A file of a known format within the limit."""
        upload = self.cleaned_data["file"]
        if upload.size > settings.MAX_TABLE_BYTES:
            limit = settings.MAX_TABLE_BYTES // 2**20
            raise forms.ValidationError(f"The file is larger than {limit} MiB.")
        if format_of(upload.name) is None:
            raise forms.ValidationError("The name must end in .csv, .parquet, .jsonl or .ndjson.")
        return upload

    def clean(self) -> dict[str, Any]:
        """Adds `file_format`."""
        data = super().clean() or self.cleaned_data
        if "file" in data:
            data["file_format"] = format_of(data["file"].name)
        return data


def format_of(name: str) -> str | None:
    """The format that a file's name ends in; None for an unknown one."""
    for ending, file_format in _ENDINGS.items():
        if name.lower().endswith(ending):
            return file_format
    return None


class ContributionForm(GiftFields, ConsoleForm):
    """The console's form, for staff."""

    def scope(self, user: Any) -> None:
        offer(self, "model", models_open_to(user))


class GiftForm(GiftFields):
    """The members' form."""

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "model", models_open_to(user))
