import pytest

import experiments
from experiments import ExperimentManager
from hokusai.accounts.choices import Role
from hokusai.core.errors import InvalidInput
from tests.factories import BenchmarkFactory, ModelVersionFactory, digest, member

pytestmark = pytest.mark.django_db


def test_an_experiment_compares_its_candidates_with_its_baseline() -> None:
    benchmark = BenchmarkFactory(status="approved")
    project = benchmark.project
    baseline, candidate = (
        ModelVersionFactory(
            model__project=project, artifact_state="ready", tree_digest=digest(name)
        )
        for name in ("baseline", "candidate")
    )
    manager = ExperimentManager(project=project, user=member(project, Role.ENGINEER))
    experiment = manager.create_improvement_experiment(
        "More digits", baseline=baseline, benchmark=benchmark, hypothesis="More rows help."
    )
    comparison = manager.compare_models(experiment, candidate)
    assert (comparison.experiment, comparison.baseline) == (experiment, baseline)
    assert manager.compare_models(experiment, candidate) == comparison


def test_a_baseline_of_another_project_is_refused() -> None:
    benchmark = BenchmarkFactory(status="approved")
    manager = ExperimentManager(
        project=benchmark.project, user=member(benchmark.project, Role.ENGINEER)
    )
    with pytest.raises(InvalidInput):
        manager.create_improvement_experiment(
            "Elsewhere", baseline=ModelVersionFactory(), benchmark=benchmark
        )


def test_the_package_has_no_other_face() -> None:
    with pytest.raises(AttributeError, match="nothing_else"):
        _ = experiments.nothing_else
