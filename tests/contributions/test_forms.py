import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from contributions.forms import GiftForm, format_of
from hokusai.accounts.choices import Role
from tests.contributions.algorithms.examples import ANNA
from tests.factories import MembershipFactory, ModelFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.CSV", "csv"), ("a.parquet", "parquet"), ("a.ndjson", "jsonl"), ("a.xlsx", None)],
)
def test_the_name_tells_the_format(name: str, expected: str | None) -> None:
    assert format_of(name) == expected


def form_for(role: Role = Role.CONTRIBUTOR, **changes: object) -> GiftForm:
    membership = MembershipFactory(role=role)
    model = ModelFactory(project=membership.project)
    file = changes.pop("file", SimpleUploadedFile("rows.csv", b"x,y\n1,2\n"))
    data = {
        "model": model.pk,
        "address": ANNA.lower(),
        "label_column": "y",
        "licence": "MIT",
        **changes,
    }
    return GiftForm(data, {"file": file}, user=membership.user)


def test_the_address_is_written_in_its_checksum_spelling() -> None:
    form = form_for()
    assert form.is_valid(), form.errors
    assert form.cleaned_data["address"] == ANNA
    assert form.cleaned_data["file_format"] == "csv"


def test_a_wrong_address_is_an_error_of_its_field() -> None:
    assert "address" in form_for(address="0x12").errors


def test_an_unknown_ending_is_an_error_of_the_file() -> None:
    assert "file" in form_for(file=SimpleUploadedFile("rows.xlsx", b"x")).errors


def test_a_file_past_the_limit_is_an_error_of_the_file(settings) -> None:
    settings.MAX_TABLE_BYTES = 3
    assert "file" in form_for().errors


def test_a_viewer_is_offered_no_model() -> None:
    assert "model" in form_for(Role.VIEWER).errors
