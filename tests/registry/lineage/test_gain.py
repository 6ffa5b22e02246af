import pytest
from pytest_django import DjangoAssertNumQueries

from hokusai.accounts.models import Project, User
from registry.choices import EdgeKind
from registry.lineage import Gain, StepState, asked_version, gain_of, viewer_of
from registry.models import ModelVersion
from tests.factories import ModelFactory, ModelVersionFactory, ProjectFactory, SuperuserFactory
from tests.lineages import Line, link, point

pytestmark = pytest.mark.django_db


@pytest.fixture
def line(project: Project) -> Line:
    found = Line(project)
    for _ in range(4):
        found.version()
    return found


def told(answer: Gain, line: Line) -> list[tuple[int, int, str, int | None]]:
    numbers = {version.public_id: version.number for version in line.versions}
    return [
        (
            numbers[step.baseline.public_id],
            numbers[step.candidate.public_id],
            step.state.value,
            step.delta_ppm,
        )
        for step in answer.steps
    ]


def test_a_gain_is_told_from_the_first_baseline_to_the_version(line: Line, engineer: User) -> None:
    line.improvement("one", baseline=1, candidate=2, delta_ppm=20_000)
    line.improvement("two", baseline=2, candidate=4, delta_ppm=15_000)
    answer = gain_of(line.versions[3], viewer_of(engineer))
    assert told(answer, line) == [(1, 2, "measured", 20_000), (2, 4, "measured", 15_000)]
    assert answer.totals == {"accuracy": 35_000}


def test_a_step_that_nobody_measured_says_so_and_adds_nothing(line: Line, engineer: User) -> None:
    line.improvement("one", baseline=1, candidate=2, delta_ppm=20_000)
    line.improvement("two", baseline=3, candidate=4, delta_ppm=15_000)
    answer = gain_of(line.versions[3], viewer_of(engineer))
    assert told(answer, line) == [
        (1, 2, "measured", 20_000),
        (2, 3, "unmeasured", None),
        (3, 4, "measured", 15_000),
    ]
    assert answer.totals == {"accuracy": 35_000}


def test_what_lies_before_the_first_measurement_is_left_out(line: Line, engineer: User) -> None:
    line.improvement("one", baseline=3, candidate=4)
    answer = gain_of(line.versions[3], viewer_of(engineer))
    assert told(answer, line) == [(3, 4, "measured", 10_000)]


def test_a_line_without_a_measurement_is_told_step_by_step(line: Line, engineer: User) -> None:
    answer = gain_of(line.versions[2], viewer_of(engineer))
    assert told(answer, line) == [(1, 2, "unmeasured", None), (2, 3, "unmeasured", None)]
    assert answer.totals == {}


def test_gains_of_different_metrics_are_not_added_up(line: Line, engineer: User) -> None:
    line.improvement("one", baseline=1, candidate=2, delta_ppm=20_000)
    line.improvement("two", baseline=2, candidate=3, delta_ppm=4_000, metric="log_loss")
    answer = gain_of(line.versions[2], viewer_of(engineer))
    assert answer.totals == {"accuracy": 20_000, "log_loss": 4_000}


def test_a_step_names_who_is_credited_and_the_proof(line: Line, engineer: User) -> None:
    improvement = line.improvement("one", baseline=1, candidate=2)
    line.credit(improvement, "anna", 6_000)
    line.credit(improvement, "ben", 4_000)
    proof = point("attestation", "att_1", line.project)
    link(improvement, proof, EdgeKind.ATTESTED)
    (step,) = gain_of(line.versions[1], viewer_of(engineer)).steps
    assert [
        (one.contribution.public_id, one.contributor and one.contributor.public_id,
         one.basis_points)
        for one in step.credits
    ] == [("ctr_anna", "cbr_anna", 6_000), ("ctr_ben", "cbr_ben", 4_000)]  # fmt: skip
    assert step.improvement is not None
    assert step.improvement.public_id == "imp_one"
    assert step.attestation is not None
    assert step.attestation.public_id == "att_1"


def test_edges_that_state_no_role_were_written_baseline_first(line: Line, engineer: User) -> None:
    line.improvement("one", baseline=1, candidate=3, roles=False)
    answer = gain_of(line.versions[2], viewer_of(engineer))
    assert told(answer, line) == [(1, 3, "measured", 10_000)]


def test_a_version_that_took_the_lead_again_is_told_in_the_order_of_time(
    line: Line, engineer: User
) -> None:
    line.improvement("one", baseline=1, candidate=2)
    line.improvement("two", baseline=2, candidate=3)
    line.improvement("back", baseline=3, candidate=2)
    answer = gain_of(line.versions[1], viewer_of(engineer))
    assert [row[:2] for row in told(answer, line)] == [(1, 2), (2, 3), (3, 2)]


def test_what_is_hidden_shows_neither_gain_nor_names(line: Line, engineer: User) -> None:
    improvement = line.improvement("secret", baseline=1, candidate=2, project=ProjectFactory())
    line.credit(improvement, "anna", 10_000)
    answer = gain_of(line.versions[1], viewer_of(engineer))
    (step,) = answer.steps
    assert (step.state, step.delta_ppm, step.metric) == (StepState.HIDDEN, None, "")
    assert step.credits[0].basis_points is None
    assert answer.totals == {}
    assert "secret" not in repr(answer)


def test_a_gain_is_one_query_however_many_steps(
    line: Line, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(1, 4):
        line.improvement(f"i{number}", baseline=number, candidate=number + 1)
    viewer = viewer_of(SuperuserFactory.build())
    version = ModelVersion.objects.select_related("model__project").get(pk=line.versions[3].pk)
    with django_assert_num_queries(1):
        answer = gain_of(version, viewer)
    assert len(answer.steps) == 3


def test_a_version_that_nothing_led_to_has_no_steps(engineer: User) -> None:
    version = ModelVersionFactory()
    answer = gain_of(version, viewer_of(SuperuserFactory()))
    assert (answer.steps, answer.totals) == ([], {})
    assert answer.version.public_id == version.public_id


def test_the_version_asked_about_is_the_one_numbered_else_the_head_else_the_newest() -> None:
    model = ModelFactory()
    assert asked_version(model) is None
    versions = [ModelVersionFactory(model=model) for _ in range(3)]
    assert asked_version(model) == versions[2]
    model.head = versions[1]
    assert asked_version(model) == versions[1]
    assert asked_version(model, 1) == versions[0]
    assert asked_version(model, 9) is None
