import pytest

from hokusai.accounts.models import Project
from registry.models import PromotionPolicy
from tests.factories import (
    ModelVersionFactory,
    ProjectFactory,
    PromotionPolicyFactory,
    client_as,
    client_of,
    member,
)

pytestmark = pytest.mark.django_db
POLICY = {"blocking": ["scan_reviewed"], "approvals": 1, "roles": ["owner"]}


@pytest.fixture
def project() -> Project:
    found: Project = ProjectFactory()
    return found


def policies(project: Project, stage: str = "") -> str:
    path = f"/api/v1/projects/{project.slug}/promotion-policies"
    return f"{path}/{stage}" if stage else path


def test_policies_are_shown_for_every_stage(project: Project) -> None:
    shown = client_as(project, "viewer").get(policies(project)).json()
    assert [row["stage"] for row in shown] == ["development", "staging", "production", "archived"]
    assert "benchmark_passed" in shown[2]["blocking"]


def test_an_owner_states_a_policy(project: Project) -> None:
    client = client_as(project, "owner")
    answer = client.put(policies(project, "staging"), {**POLICY, "expires_after_h": 48})
    assert answer.status_code == 200
    assert answer.json() == {**POLICY, "stage": "staging", "expires_after_h": 48}
    assert client.get(policies(project)).json()[1] == answer.json()


@pytest.mark.parametrize(
    "wrong",
    [
        {"blocking": ["taste"]},
        {"roles": ["emperor"]},
        {"approvals": 5},
        {"approvals": 0},
        {"expires_after_h": 0},
        {"roles": []},
    ],
)
def test_a_policy_that_cannot_hold_is_refused(wrong: dict[str, object], project: Project) -> None:
    client = client_as(project, "owner")
    answer = client.put(policies(project, "staging"), {**POLICY, **wrong})
    assert answer.status_code == 400
    assert not PromotionPolicy.objects.exists()


@pytest.mark.parametrize("stage", ["none", "heaven"])
def test_a_stage_without_a_policy_is_not_there(stage: str, project: Project) -> None:
    assert client_as(project, "owner").put(policies(project, stage), POLICY).status_code == 404


def test_approvals_add_up_and_are_shown(project: Project) -> None:
    PromotionPolicyFactory(project=project, approvals=2)
    version = ModelVersionFactory(model__project=project)
    path = f"/api/v1/models/{version.model.model_id}/versions/1/promotions"
    body = {"target": "production", "comment": "try", "evidence": "https://example.org/r"}
    asked = client_as(project).post(path, body).json()
    assert (asked["approvals_needed"], asked["approvals"]) == (2, [])
    assert asked["evidence"] == "https://example.org/r"
    reviewer = client_of(member(project, "reviewer", username="rosa"))
    decide = f"{path}/{asked['id']}/approve"
    first = reviewer.post(decide, {"comment": "fine"}).json()
    assert first["status"] == "requested"
    assert [(row["approver"], row["role"]) for row in first["approvals"]] == [("rosa", "reviewer")]
    assert reviewer.post(decide, {}).status_code == 409
    assert client_as(project, "owner").post(decide, {}).json()["status"] == "approved"


def test_a_superuser_without_the_role_approves_nothing(project: Project) -> None:
    PromotionPolicyFactory(project=project)
    version = ModelVersionFactory(model__project=project)
    path = f"/api/v1/models/{version.model.model_id}/versions/1/promotions"
    asked = client_as(project).post(path, {"target": "production"}).json()
    root = member(ProjectFactory(), "owner", is_superuser=True)
    answer = client_of(root).post(f"{path}/{asked['id']}/approve", {})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_independent")
