from typing import Any

import pytest

from tests.contributions.candidates import line
from tests.factories import client_as

pytestmark = pytest.mark.django_db


def test_a_candidate_is_built_from_what_waits() -> None:
    of = line()
    given = of.given()
    client = client_as(of.project, "engineer")
    url = f"/api/v1/models/{of.model.model_id}/candidates"
    body = {"benchmark": of.benchmark.public_id, "recipe": "scikit-learn"}
    answer = client.post(url, body, format="json")
    assert answer.status_code == 202, answer.content
    told = answer.json()
    assert told["added"] == [given.dataset_version.public_id]
    assert (told["status"], told["baseline"]) == ("requested", of.baseline.public_id)
    assert client.get(f"/api/v1/trainings/{told['id']}").json()["id"] == told["id"]
    again = client.post(url, body, format="json")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"recipe": "none"}, 400, "recipe_unusable"),
        ({"parameters": {"C": -1}}, 400, "recipe_unusable"),
        ({"seeds": [1, 1, 1]}, 400, "invalid_input"),
        ({"seeds": [1]}, 400, "invalid_input"),
        ({"contributions": ["ctr_" + "0" * 32]}, 400, "invalid_input"),
        ({"benchmark": "bmk_" + "0" * 32}, 404, "not_found"),
    ],
)
def test_what_cannot_be_built_is_a_clear_error(
    wrong: dict[str, Any], status: int, code: str
) -> None:
    of = line()
    of.given()
    body = {"benchmark": of.benchmark.public_id, "recipe": "scikit-learn", **wrong}
    client = client_as(of.project, "engineer")
    answer = client.post(f"/api/v1/models/{of.model.model_id}/candidates", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
