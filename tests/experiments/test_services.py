from typing import Any

import pytest

from experiments import services
from experiments.exceptions import BenchmarkInvalid, BenchmarkNotApproved, SamePerson
from experiments.models import Benchmark, Comparison
from hokusai.accounts.choices import Role
from hokusai.accounts.models import Project, User
from hokusai.accounts.services import actor_of
from hokusai.core.errors import Conflict, Forbidden, InvalidInput, InvalidTransition
from hokusai.core.events import SYSTEM
from hokusai.core.models import Event, Job
from registry.choices import Access, ArtifactState
from registry.exceptions import ArtifactNotReady
from registry.models import DatasetVersion, ModelVersion
from tests.factories import (
    BenchmarkFactory,
    ComparisonFactory,
    DatasetVersionFactory,
    ModelFactory,
    ModelVersionFactory,
    ProjectFactory,
    RowDigestFactory,
    digest,
    member,
)

pytestmark = pytest.mark.django_db
COLUMNS = [
    {"name": "row", "dtype": "integer"},
    {"name": "x", "dtype": "number"},
    {"name": "y", "dtype": "integer"},
    {"name": "note", "dtype": "text"},
    {"name": "label", "dtype": "integer"},
]


@pytest.fixture
def project() -> Project:
    return ProjectFactory()


@pytest.fixture
def engineer(project: Project) -> User:
    return member(project, Role.ENGINEER)


def rows_of(project: Project, **fields: Any) -> DatasetVersion:
    return DatasetVersionFactory(
        dataset__project=project, **({"columns": COLUMNS, "id_column": "row"} | fields)
    )


def make(project: Project, engineer: User, **changes: Any) -> Benchmark:
    given: dict[str, Any] = {
        "project": project,
        "slug": "held-out",
        "name": "Held out",
        "label_column": "label",
        "features": ["x", "y"],
        "actor": actor_of(engineer),
    }
    given |= changes
    if "dataset_version" not in given:
        given["dataset_version"] = rows_of(project)
    return services.create_benchmark(**given)


def ask(benchmark: Benchmark, baseline: ModelVersion, candidate: ModelVersion) -> Comparison:
    return services.request_comparison(
        benchmark=benchmark,
        baseline=baseline,
        candidate=candidate,
        actor=actor_of(member(benchmark.project)),
    )


def two_versions(project: Project) -> tuple[ModelVersion, ModelVersion]:
    model = ModelFactory(project=project)
    return ModelVersionFactory(model=model), ModelVersionFactory(model=model)


def test_a_benchmark_is_a_draft_until_a_second_person_approves_it(
    project: Project, engineer: User
) -> None:
    draft = make(project, engineer)
    assert draft.status == "draft"
    with pytest.raises(BenchmarkNotApproved):
        ask(draft, *two_versions(project))
    with pytest.raises(SamePerson):
        services.approve_benchmark(benchmark_id=draft.pk, actor=actor_of(engineer))
    with pytest.raises(SamePerson):
        services.approve_benchmark(benchmark_id=draft.pk, actor=SYSTEM)
    reviewer = member(project, Role.REVIEWER)
    approved = services.approve_benchmark(benchmark_id=draft.pk, actor=actor_of(reviewer))
    assert (approved.status, approved.approved_by) == ("approved", reviewer)
    assert ask(approved, *two_versions(project)).status == "requested"
    tags = Event.objects.of(draft.public_id).values_list("tag", flat=True)
    assert sorted(tags) == ["benchmark:approved", "benchmark:created"]


def test_making_a_benchmark_seals_its_rows_for_stewards(project: Project, engineer: User) -> None:
    rows = rows_of(project)
    make(project, engineer, dataset_version=rows)
    rows.refresh_from_db()
    assert rows.access == Access.STEWARDS
    readable = DatasetVersion.objects.readable_by(engineer)
    assert rows not in readable
    assert rows in DatasetVersion.objects.readable_by(member(project, Role.REVIEWER))


def test_rows_that_a_version_was_trained_on_make_no_benchmark(
    project: Project, engineer: User
) -> None:
    rows = rows_of(project)
    version, _ = two_versions(project)
    version.training_data.add(rows)
    with pytest.raises(Conflict):
        make(project, engineer, dataset_version=rows)
    rows.refresh_from_db()
    assert rows.access == Access.MEMBERS


def test_the_name_of_a_benchmark_is_taken_once_per_project(
    project: Project, engineer: User
) -> None:
    make(project, engineer)
    with pytest.raises(Conflict):
        make(project, engineer)
    other = ProjectFactory()
    assert make(other, member(other)).slug == "held-out"


def test_features_are_all_numbers_but_label_and_id_unless_named(
    project: Project, engineer: User
) -> None:
    numbers = [column for column in COLUMNS if column["name"] != "note"]
    rows = rows_of(project, columns=numbers)
    assert make(project, engineer, dataset_version=rows, features=None).features == ["x", "y"]


@pytest.mark.parametrize(
    "changes",
    [
        {"features": None},
        {"features": []},
        {"features": ["x", "note"]},
        {"features": ["x", "label"]},
        {"features": ["x", "row"]},
        {"features": ["absent"]},
        {"label_column": "absent"},
        {"metric": "rmse"},
        {"metric": "nonsense"},
        {"task": "regression"},
        {"guardrails": [{"metric": "accuracy", "margin_ppm": 0}]},
        {"guardrails": [{"metric": "log_loss", "margin_ppm": -1}]},
        {"guardrails": [{"metric": "log_loss", "margin_ppm": "much", "message": "x"}]},
        {"guardrails": [{"margin_ppm": 1}]},
        {"alpha": 0.0},
        {"alpha": 0.5},
        {"alpha": float("nan")},
        {"margin_ppm": -1},
        {"minimum_gain_ppm": -10_000},
        {"minimum_gain_ppm": 2**31},
        {"seed": -1},
        {"seed": 2**53},
    ],
    ids=str,
)
def test_a_benchmark_whose_parts_do_not_fit_is_refused_and_seals_nothing(
    project: Project, engineer: User, changes: dict[str, Any]
) -> None:
    rows = rows_of(project)
    with pytest.raises(BenchmarkInvalid):
        make(project, engineer, dataset_version=rows, **changes)
    rows.refresh_from_db()
    assert rows.access == Access.MEMBERS
    assert not Benchmark.objects.exists()


def test_only_usable_rows_of_the_same_project_make_a_benchmark(
    project: Project, engineer: User
) -> None:
    for rows in (rows_of(ProjectFactory()), rows_of(project, state="received")):
        with pytest.raises(BenchmarkInvalid):
            make(project, engineer, dataset_version=rows)


def test_benchmarks_experiments_and_comparisons_are_made_by_persons(project: Project) -> None:
    baseline, candidate = two_versions(project)
    benchmark = BenchmarkFactory(project=project)
    with pytest.raises(Forbidden):
        services.create_benchmark(
            project=project,
            slug="a",
            name="A",
            dataset_version=rows_of(project),
            label_column="label",
            actor=SYSTEM,
        )
    with pytest.raises(Forbidden):
        services.request_comparison(
            benchmark=benchmark, baseline=baseline, candidate=candidate, actor=SYSTEM
        )
    with pytest.raises(Forbidden):
        services.create_experiment(
            project=project,
            name="A",
            model=baseline.model,
            baseline=baseline,
            benchmark=benchmark,
            actor=SYSTEM,
        )


def test_a_retired_benchmark_decides_nothing_and_stays_retired(
    project: Project, engineer: User
) -> None:
    benchmark = BenchmarkFactory(project=project)
    services.retire_benchmark(benchmark_id=benchmark.pk, actor=actor_of(engineer))
    with pytest.raises(BenchmarkNotApproved):
        ask(benchmark, *two_versions(project))
    with pytest.raises(InvalidTransition):
        services.approve_benchmark(
            benchmark_id=benchmark.pk, actor=actor_of(member(project, Role.REVIEWER))
        )
    with pytest.raises(InvalidTransition):
        services.retire_benchmark(benchmark_id=benchmark.pk, actor=actor_of(engineer))


def test_the_same_pair_of_artifacts_is_the_same_comparison(project: Project) -> None:
    benchmark = BenchmarkFactory(project=project)
    baseline, candidate = two_versions(project)
    first = ask(benchmark, baseline, candidate)
    twin = ModelVersionFactory(model=candidate.model, tree_digest=candidate.tree_digest)
    assert ask(benchmark, baseline, twin) == first
    assert Job.objects.filter(kind="comparison").count() == 1
    assert Event.objects.filter(tag="comparison:requested").count() == 1


def test_asking_for_a_decided_comparison_again_answers_with_it(project: Project) -> None:
    benchmark = BenchmarkFactory(project=project)
    baseline, candidate = two_versions(project)
    first = ask(benchmark, baseline, candidate)
    Comparison.objects.filter(pk=first.pk).update(status="refused", reason="regression")
    again = ask(benchmark, baseline, candidate)
    assert (again.pk, again.status, again.reason) == (first.pk, "refused", "regression")


def test_attempts_count_by_rows_whatever_the_benchmark_is_called(project: Project) -> None:
    first, second = BenchmarkFactory(project=project), BenchmarkFactory(project=project, seed=1)
    other = BenchmarkFactory(project=project)
    shared = digest("a row").encode()[:32]
    for benchmark in (first, second):
        RowDigestFactory(dataset_version=benchmark.dataset_version, inputs=shared)
        RowDigestFactory(dataset_version=benchmark.dataset_version)
    RowDigestFactory(dataset_version=other.dataset_version)
    baseline, candidate = two_versions(project)
    third = ModelVersionFactory(model=baseline.model)
    assert ask(first, baseline, candidate).attempt == 1
    assert ask(second, baseline, candidate).attempt == 2
    assert ask(first, baseline, third).attempt == 3
    assert ask(other, baseline, candidate).attempt == 1


def test_attempts_of_another_project_do_not_count(project: Project) -> None:
    mine = BenchmarkFactory(project=project)
    theirs = BenchmarkFactory()
    for benchmark in (mine, theirs):
        RowDigestFactory(dataset_version=benchmark.dataset_version, inputs=b"r" * 32)
    assert ask(theirs, *two_versions(theirs.project)).attempt == 1
    assert ask(mine, *two_versions(project)).attempt == 1


def test_versions_that_cannot_be_compared_are_refused(project: Project) -> None:
    benchmark = BenchmarkFactory(project=project)
    baseline, candidate = two_versions(project)
    copying = ModelVersionFactory(model=baseline.model, artifact_state=ArtifactState.COPYING)
    twin = ModelVersionFactory(model=baseline.model, tree_digest=baseline.tree_digest)
    with pytest.raises(ArtifactNotReady):
        ask(benchmark, baseline, copying)
    with pytest.raises(InvalidInput):
        ask(benchmark, baseline, twin)
    with pytest.raises(InvalidInput):
        ask(benchmark, baseline, ModelVersionFactory())
    with pytest.raises(InvalidInput):
        ask(benchmark, ModelVersionFactory(), candidate)
    assert not Comparison.objects.exists()


def test_a_failed_comparison_whose_job_waits_already_is_not_rung_for_twice(
    project: Project,
) -> None:
    benchmark = BenchmarkFactory(project=project)
    first = ask(benchmark, *(pair := two_versions(project)))
    Comparison.objects.filter(pk=first.pk).update(status="failed", explanation="ended")
    again = ask(benchmark, *pair)
    assert (again.status, again.explanation) == ("requested", "")
    assert not Event.objects.filter(tag="job:retried").exists()


def test_an_experiment_joins_parts_of_one_project(project: Project, engineer: User) -> None:
    baseline, candidate = two_versions(project)
    benchmark = BenchmarkFactory(project=project)
    given: dict[str, Any] = {
        "project": project,
        "name": "More data",
        "model": baseline.model,
        "baseline": baseline,
        "benchmark": benchmark,
        "actor": actor_of(engineer),
    }
    experiment = services.create_experiment(**given)
    comparison = services.request_comparison(
        benchmark=benchmark,
        baseline=baseline,
        candidate=candidate,
        actor=actor_of(engineer),
        experiment=experiment,
    )
    assert list(experiment.comparisons.all()) == [comparison]
    for wrong in (
        {"model": ModelFactory()},
        {"benchmark": BenchmarkFactory()},
        {"baseline": ModelVersionFactory(model__project=project)},
    ):
        with pytest.raises(InvalidInput):
            services.create_experiment(**(given | wrong))


def test_a_comparison_of_a_pair_on_another_benchmark_is_another_comparison(
    project: Project,
) -> None:
    first = ComparisonFactory(benchmark__project=project)
    second = ask(BenchmarkFactory(project=project), first.baseline, first.candidate)
    assert second != first
