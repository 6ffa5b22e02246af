from typing import Any

import pytest

from tests.factories import (
    ComparisonFactory,
    DatasetVersionFactory,
    ModelVersionFactory,
    TrainingFactory,
    client_as,
)

pytestmark = pytest.mark.django_db
ROWS = 5
BUDGET = 14


def ended(**fields: Any) -> Any:
    """A training whose candidate was compared."""
    training = TrainingFactory(status="trained", **fields)
    training.control, training.candidate = (
        ModelVersionFactory(model=training.model) for _ in range(2)
    )
    training.save()
    training.base.add(DatasetVersionFactory(dataset__project=training.project))
    training.added.add(DatasetVersionFactory(dataset__project=training.project))
    return training


def test_a_training_tells_its_arms_its_data_and_its_comparison() -> None:
    training = ended()
    comparison = ComparisonFactory(
        benchmark=training.benchmark, baseline=training.baseline, candidate=training.candidate
    )
    client = client_as(training.project, "viewer")
    told = client.get(f"/api/v1/trainings/{training.public_id}").json()
    assert told["control"] == training.control.public_id
    assert told["candidate"] == training.candidate.public_id
    assert told["comparison"] == comparison.public_id
    assert told["base"] == [row.public_id for row in training.base.all()]
    assert told["added"] == [row.public_id for row in training.added.all()]
    assert (told["status"], told["seeds"]) == ("trained", [1, 2, 3])


def test_a_list_of_trainings_keeps_to_its_budget(django_assert_max_num_queries: Any) -> None:
    first = ended()
    for _ in range(ROWS - 1):
        ended(model=first.model)
    client = client_as(first.project, "viewer")
    with django_assert_max_num_queries(BUDGET):
        answer = client.get("/api/v1/trainings", {"model_id": first.model.model_id})
    assert len(answer.json()["results"]) == ROWS


def test_trainings_are_filtered_by_state() -> None:
    training = ended()
    client = client_as(training.project, "viewer")
    assert client.get("/api/v1/trainings", {"status": "failed"}).json()["results"] == []


def test_recipes_are_listed_with_their_parameters() -> None:
    client = client_as(TrainingFactory().project, "viewer")
    listed = {row["name"]: row for row in client.get("/api/v1/training-recipes").json()}
    stated = listed["scikit-learn"]["parameters"]["classification"]["properties"]
    assert stated["C"] == {
        "type": "number",
        "default": 1.0,
        "description": "Inverse strength of the penalty.",
        "exclusiveMinimum": 0,
        "maximum": 1e6,
    }
    assert listed["lightgbm"]["tasks"] == ["classification", "regression"]
