import pytest
from rest_framework.test import APIClient

from hokusai.accounts.choices import Role
from hokusai.accounts.models import ApiKey, Membership, Project
from tests.factories import (
    PASSWORD,
    ApiKeyFactory,
    MembershipFactory,
    ModelFactory,
    ProjectFactory,
    UserFactory,
    api_key,
    client_as,
    client_of,
    member,
)

pytestmark = pytest.mark.django_db


def test_whoever_makes_a_project_owns_it() -> None:
    user = UserFactory()
    answer = client_of(user).post("/api/v1/projects", {"slug": "tides", "name": "Tides"})
    assert answer.status_code == 201
    assert answer.json()["visibility"] == "private"
    assert Membership.objects.get(project__slug="tides", user=user).role == Role.OWNER


def test_answers_name_public_ids_and_utc_times() -> None:
    project = ProjectFactory()
    answer = client_as(project).get(f"/api/v1/projects/{project.slug}").json()
    assert answer["id"] == project.public_id
    assert answer["created_at"].endswith("Z")


@pytest.mark.parametrize("slug", ["Upper", "a b", "-a", "", "a" * 64])
def test_a_project_s_slug_is_checked(slug: str) -> None:
    answer = client_of(UserFactory()).post("/api/v1/projects", {"slug": slug, "name": "x"})
    assert answer.status_code == 400
    assert "slug" in answer.json()["context"]["fields"]


def test_an_invitation_is_accepted_once() -> None:
    project = ProjectFactory()
    owner = client_as(project, Role.OWNER)
    body = {"email": "guest@example.org", "role": "viewer"}
    token = owner.post(f"/api/v1/projects/{project.slug}/invitations", body).json()["token"]
    guest = UserFactory()
    accepted = client_of(guest).post("/api/v1/invitations/accept", {"token": token})
    assert accepted.status_code == 201
    assert project.memberships.get(user=guest).role == Role.VIEWER
    again = client_of(UserFactory()).post("/api/v1/invitations/accept", {"token": token})
    assert again.status_code == 404


def test_a_member_s_role_is_set_and_taken_away() -> None:
    project = ProjectFactory()
    owner, person = client_as(project, Role.OWNER), UserFactory()
    url = f"/api/v1/projects/{project.slug}/members/{person.username}"
    assert owner.put(url, {"role": "engineer"}).json()["role"] == "engineer"
    members = owner.get(f"/api/v1/projects/{project.slug}/members").json()
    assert person.username in {row["username"] for row in members}
    assert owner.delete(url).status_code == 204
    assert not project.memberships.filter(user=person).exists()


def test_the_last_owner_stays() -> None:
    project = ProjectFactory()
    owner = member(project, Role.OWNER)
    url = f"/api/v1/projects/{project.slug}/members/{owner.username}"
    assert client_of(owner).delete(url).status_code == 409


def test_a_key_s_secret_is_shown_once_and_works() -> None:
    project = ProjectFactory()
    client = client_as(project)
    body = {"project": project.slug, "name": "ci", "scopes": ["read"]}
    made = client.post("/api/v1/api-keys", body).json()
    assert APIClient(headers={"X-API-Key": made["secret"]}).get("/api/v1/me").status_code == 200
    shown = client.get(f"/api/v1/api-keys/{made['id']}").json()
    assert "secret" not in shown
    assert "secret_hash" not in shown


def test_a_revoked_key_ends_at_once() -> None:
    key, secret = api_key(ProjectFactory())
    person = client_of(key.owner)
    revoked = person.post(f"/api/v1/api-keys/{key.public_id}/revoke")
    assert revoked.json()["revoked_at"] is not None
    assert APIClient(headers={"X-API-Key": secret}).get("/api/v1/me").status_code == 401


def test_members_see_their_own_keys_and_owners_all() -> None:
    project = ProjectFactory()
    mine, other = ApiKeyFactory(project=project), ApiKeyFactory(project=project)
    seen = client_of(mine.owner).get("/api/v1/api-keys").json()["results"]
    assert [row["id"] for row in seen] == [mine.public_id]
    all_seen = client_as(project, Role.OWNER).get("/api/v1/api-keys").json()["results"]
    assert {row["id"] for row in all_seen} == {mine.public_id, other.public_id}


def test_keys_are_filtered_by_whether_they_are_revoked() -> None:
    key, _ = api_key(ProjectFactory())
    client = client_of(key.owner)
    assert client.get("/api/v1/api-keys?revoked=true").json()["results"] == []
    assert len(client.get("/api/v1/api-keys?revoked=false").json()["results"]) == 1


def test_an_unknown_scope_is_refused() -> None:
    project = ProjectFactory()
    body = {"project": project.slug, "name": "ci", "scopes": ["everything"]}
    assert client_as(project).post("/api/v1/api-keys", body).status_code == 400
    assert not ApiKey.objects.exists()


def test_a_key_is_made_for_some_models_of_its_project() -> None:
    model = ModelFactory()
    client = client_as(model.project)
    body = {"project": model.project.slug, "name": "app", "scopes": ["predict"]}
    made = client.post("/api/v1/api-keys", {**body, "model_ids": [model.model_id]})
    assert (made.status_code, made.json()["model_ids"]) == (201, [model.model_id])
    for refused in ({"model_ids": ["no.such"]}, {"scopes": ["write"]}):
        asked = {**body, "model_ids": [model.model_id], **refused}
        assert client.post("/api/v1/api-keys", asked).status_code == 400


def test_me_tells_roles_and_the_key() -> None:
    key, secret = api_key(ProjectFactory(), "read")
    answer = APIClient(headers={"X-API-Key": secret}).get("/api/v1/me").json()
    assert answer["id"] == key.owner.public_id
    assert answer["memberships"] == [{"project": key.project.slug, "role": "engineer"}]
    assert answer["key"]["id"] == key.public_id


def test_a_name_and_a_password_open_the_api() -> None:
    user = UserFactory()
    body = {"username": user.username, "password": PASSWORD}
    pair = APIClient().post("/api/v1/auth/token", body).json()
    client = APIClient(headers={"Authorization": f"Bearer {pair['access']}"})
    assert client.get("/api/v1/me").json()["username"] == user.username
    again = APIClient().post("/api/v1/auth/token/refresh", {"refresh": pair["refresh"]})
    assert set(again.json()) == {"access"}


@pytest.mark.parametrize("many", [1, 5])
def test_listing_projects_costs_the_same_for_one_as_for_many(
    django_assert_num_queries: object, many: int
) -> None:
    user = UserFactory()
    MembershipFactory.create_batch(many, user=user)
    client = client_of(user)
    with django_assert_num_queries(1):  # type: ignore[operator]
        answer = client.get("/api/v1/projects")
    assert len(answer.json()["results"]) == many == Project.objects.count()
