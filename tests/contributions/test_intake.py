import pytest

from contributions.models import Contribution
from hokusai.core.models import Event, Job
from registry.models import Dataset
from tests.contributions.world import give
from tests.factories import BenchmarkFactory, ModelFactory, ProjectFactory, member
from tests.measuring import FEATURES, HELD_OUT, Bench, bench, settle, table, usable, work

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("long_lease")]
SOME = slice(HELD_OUT.start + 3, HELD_OUT.start + 5)
ANNA = slice(950, 960)
BACKWARDS = ["label", *reversed(FEATURES)]


@pytest.fixture(params=[False, True], ids=["benchmark of floats", "benchmark of integers"])
def of(request: pytest.FixtureRequest) -> Bench:
    return bench(table(slice(0, 40), whole=request.param))


def with_one_copy(own: bytes, copied: bytes) -> bytes:
    return own.rstrip(b"\r\n") + b"\n" + copied.split(b"\n", 1)[1]


def test_new_rows_that_fit_are_accepted(of: Bench) -> None:
    contribution = give(of, table(ANNA))
    assert (contribution.status, contribution.reasons) == ("accepted", [])
    assert contribution.job is not None
    assert contribution.job.kind == "contribution_intake"
    assert Event.objects.filter(
        tag="contribution:accepted", subject=contribution.public_id
    ).exists()


@pytest.mark.parametrize(
    "copy",
    [
        table(SOME),
        table(SOME, shift=1),
        table(SOME, shift=1, whole=True),
        table(SOME, shift=2, columns=BACKWARDS),
        table(SOME, shift=2, whole=True, columns=BACKWARDS),
        table(SOME, shift=1, extra="note"),
        with_one_copy(table(ANNA), table(SOME, shift=1)),
    ],
    ids=["as they are", "labels", "integers", "order", "order, integers", "extra", "one in many"],
)
def test_copies_of_the_benchmark_are_refused_whole_and_coarsely(of: Bench, copy: bytes) -> None:
    contribution = give(of, copy)
    assert contribution.status == "refused"
    [reason] = contribution.reasons
    assert reason["code"] == "overlaps_protected_data"
    assert not any(character.isdigit() for character in reason["message"])
    assert of.benchmark.name not in reason["message"]
    event = Event.objects.get(tag="contribution:refused")
    assert event.after == {"status": "refused", "reasons": contribution.reasons}
    assert contribution.job is not None
    notes = [line.split(" ", 1)[1] for line in contribution.job.log.splitlines()]
    assert notes == ["reading the rows", "checking the rows"]


def test_whether_one_row_or_all_are_copies_cannot_be_told_apart(of: Bench) -> None:
    one = give(of, with_one_copy(table(ANNA), table(slice(3, 4), shift=1)))
    every = give(of, table(slice(0, 40)))
    assert one.reasons == every.reasons


def test_labels_named_as_features_hide_no_copy(of: Bench) -> None:
    contribution = give(of, table(SOME, shift=1), label_column="p0")
    assert contribution.status == "refused"


def test_a_benchmark_whose_table_names_no_label_is_protected_too() -> None:
    project = ProjectFactory()
    rows = usable(project, table(slice(0, 40)), label="")
    BenchmarkFactory(project=project, dataset_version=rows, features=FEATURES)
    model = ModelFactory(project=project)
    person = member(project)
    of = Bench(project, person, person, project.benchmarks.get(), model)
    assert give(of, table(SOME, shift=1)).status == "refused"


def test_copies_of_a_draft_are_refused_and_of_a_retired_benchmark_taken(of: Bench) -> None:
    type(of.benchmark).objects.update(status="draft")
    assert give(of, table(SOME)).status == "refused"
    type(of.benchmark).objects.update(status="retired")
    assert give(of, table(SOME)).status == "accepted"


def test_columns_that_do_not_fit_are_named(of: Bench) -> None:
    contribution = give(of, table(ANNA, columns=["label", *FEATURES[1:]]))
    assert contribution.status == "refused"
    [reason] = contribution.reasons
    assert reason["code"] == "columns_do_not_fit"
    assert "'p0'" in reason["message"]
    words = table(slice(950, 952), extra="p64").replace(b"p64", b"q").replace(b"p0,", b"z,")
    assert give(of, words).reasons[0]["code"] == "columns_do_not_fit"


def test_text_where_numbers_belong_does_not_fit(of: Bench) -> None:
    lines = table(slice(950, 955)).splitlines()
    lines[1] = b"dark" + lines[1][lines[1].index(b",") :]
    reasons = give(of, b"\n".join(lines)).reasons
    assert [reason["code"] for reason in reasons] == ["columns_do_not_fit"]


def test_rows_that_fit_one_benchmark_of_several_are_taken(of: Bench) -> None:
    other = usable(of.project, b"a,label\n1,0\n2,1\n")
    BenchmarkFactory(project=of.project, dataset_version=other, features=["a"])
    assert give(of, table(ANNA)).status == "accepted"
    assert give(of, b"a,label\n5,0\n").status == "accepted"
    assert give(of, b"a,label\n5,0\n2.0,0\n").status == "refused"
    assert {reason["code"] for reason in give(of, b"c,label\n1,0\n").reasons} == {
        "columns_do_not_fit"
    }


def test_where_nothing_is_measured_yet_anything_readable_is_taken() -> None:
    project = ProjectFactory()
    of = Bench(project, member(project), member(project), None, ModelFactory(project=project))  # type: ignore[arg-type]
    assert give(of, b"a,label\n1,0\n").status == "accepted"


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"a,label\n1,0,7\n", "fields"), (b"a,b\n1,0\n", "label"), (b"\xff\xfe\n1\n", "UTF-8")],
    ids=["ragged", "no label", "binary"],
)
def test_an_unreadable_file_is_refused_with_its_reason(
    of: Bench, content: bytes, said: str
) -> None:
    contribution = give(of, content)
    assert contribution.status == "refused"
    assert contribution.reasons[0]["code"] == "unreadable"
    assert said in contribution.reasons[0]["message"]
    assert contribution.reasons == contribution.dataset_version.reasons


def test_what_was_withdrawn_while_it_was_checked_stays_withdrawn(of: Bench) -> None:
    contribution = give(of, table(ANNA), checked=False)
    work(Job.objects.get(kind="dataset_intake", status="queued"))
    Contribution.objects.update(status="withdrawn")
    settle()
    contribution.refresh_from_db()
    assert contribution.status == "withdrawn"
    assert not Job.objects.filter(status__in=("failed", "running")).exists()


def test_a_withdrawal_between_reading_and_deciding_wins(
    of: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_then_withdrawn(*args: object) -> list[dict[str, str]]:
        Contribution.objects.update(status="withdrawn")
        return []

    monkeypatch.setattr("contributions.intake._reasons", read_then_withdrawn)
    assert give(of, table(ANNA)).status == "withdrawn"
    assert not Job.objects.exclude(status="succeeded").exists()


def test_checking_twice_decides_once(of: Bench) -> None:
    contribution = give(of, table(ANNA))
    Job.objects.filter(kind="contribution_intake").update(status="queued")
    settle()
    assert Event.objects.filter(subject=contribution.public_id).count() == 2
    assert Dataset.objects.filter(slug__endswith="-contributions").count() == 1
