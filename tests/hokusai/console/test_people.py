import pytest
from django.urls import reverse

from hokusai.accounts.choices import Role
from hokusai.accounts.keys import secret_hash
from hokusai.accounts.models import ApiKey, Invitation, Membership, Project, User
from hokusai.core.models import Event
from tests.factories import ApiKeyFactory, InvitationFactory, ModelFactory, UserFactory
from tests.staff import Staff, staff_in

pytestmark = pytest.mark.django_db
SENT = {"_form_submitted": "True"}


def test_a_project_is_made_with_an_owner_and_an_event(outsider: Staff) -> None:
    outsider.client.post(
        reverse("admin:accounts_project_add"),
        {"slug": "ocean", "name": "Ocean", "visibility": "private"},
    )
    project = Project.objects.get(slug="ocean")
    assert Membership.objects.get(project=project).user == outsider.user
    assert Event.objects.filter(tag="project:created", subject=project.public_id).exists()


def test_a_taken_name_is_an_error_of_the_form(outsider: Staff, project: Project) -> None:
    answer = outsider.client.post(
        reverse("admin:accounts_project_add"),
        {"slug": project.slug, "name": "Again", "visibility": "private"},
    )
    assert "is taken" in answer.content.decode()
    assert Project.objects.filter(slug=project.slug).count() == 1


def test_a_key_is_shown_once_and_kept_as_a_hash(engineer: Staff, project: Project) -> None:
    answer = engineer.client.post(
        reverse("admin:accounts_apikey_add"),
        {"project": project.pk, "name": "pipeline", "scopes": ["read", "write"]},
    )
    key = ApiKey.objects.get(name="pipeline")
    secret = answer.context["secret"]
    assert bytes(key.secret_hash) == secret_hash(secret)
    assert "no-store" in answer["Cache-Control"]
    page = engineer.client.get(reverse("admin:accounts_apikey_change", args=[key.pk]))
    assert secret not in page.content.decode()


def test_a_key_is_made_for_some_models(engineer: Staff, project: Project) -> None:
    model, foreign = ModelFactory(project=project), ModelFactory()
    url = reverse("admin:accounts_apikey_add")
    form = engineer.client.get(url).content.decode()
    assert model.model_id in form
    assert foreign.model_id not in form
    fields = {"project": project.pk, "name": "app", "scopes": ["predict"]}
    engineer.client.post(url, {**fields, "models": [model.model_id]})
    key = ApiKey.objects.get(name="app")
    assert key.model_ids == [model.model_id]
    page = engineer.client.get(reverse("admin:accounts_apikey_change", args=[key.pk]))
    assert model.model_id in page.content.decode()


def test_a_key_of_a_project_of_others_is_refused(outsider: Staff, project: Project) -> None:
    outsider.client.post(
        reverse("admin:accounts_apikey_add"),
        {"project": project.pk, "name": "pipeline", "scopes": ["read"]},
    )
    assert not ApiKey.objects.exists()


def test_a_key_is_revoked_by_its_owner(engineer: Staff, project: Project) -> None:
    key = ApiKeyFactory(project=project, owner=engineer.user)
    engineer.client.post(reverse("admin:accounts_apikey_revoke", args=[key.pk]), SENT)
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_a_key_of_another_member_is_hidden_from_engineers(
    engineer: Staff, project: Project
) -> None:
    key = ApiKeyFactory(project=project)
    url = reverse("admin:accounts_apikey_revoke", args=[key.pk])
    assert engineer.client.post(url, SENT).status_code == 404


def test_an_owner_sets_and_removes_members(project: Project) -> None:
    owner = staff_in(project, Role.OWNER)
    person = UserFactory()
    data = {**SENT, "username": person.username, "role": "viewer"}
    owner.client.post(reverse("admin:accounts_project_set_member", args=[project.pk]), data)
    assert Membership.objects.get(project=project, user=person).role == Role.VIEWER
    owner.client.post(reverse("admin:accounts_project_remove_member", args=[project.pk]), data)
    assert not Membership.objects.filter(project=project, user=person).exists()


def test_an_engineer_sets_no_members(engineer: Staff, project: Project) -> None:
    url = reverse("admin:accounts_project_set_member", args=[project.pk])
    assert engineer.client.get(url).status_code == 403


def test_an_invitation_shows_its_token_once(project: Project) -> None:
    owner = staff_in(project, Role.OWNER)
    answer = owner.client.post(
        reverse("admin:accounts_invitation_add"),
        {"project": project.pk, "email": "new@example.org", "role": "viewer"},
    )
    assert answer.context["secret"]
    assert Invitation.objects.get().email == "new@example.org"


def test_an_engineer_sees_no_invitations(engineer: Staff, project: Project) -> None:
    InvitationFactory(project=project)
    listed = engineer.client.get(reverse("admin:accounts_invitation_changelist"))
    assert list(listed.context["cl"].result_list) == []
    assert engineer.client.get(reverse("admin:accounts_invitation_add")).status_code == 403


def test_only_superusers_see_accounts(root: Staff, engineer: Staff) -> None:
    url = reverse("admin:accounts_user_changelist")
    assert root.client.get(url).status_code == 200
    assert engineer.client.get(url).status_code == 403


def test_a_new_account_is_recorded(root: Staff) -> None:
    root.client.post(
        reverse("admin:accounts_user_add"),
        {
            "username": "newcomer",
            "usable_password": "true",
            "password1": "a-long-enough-pass",
            "password2": "a-long-enough-pass",
        },
    )
    made = User.objects.get(username="newcomer")
    event = Event.objects.get(tag="user:created", subject=made.public_id)
    assert "password" not in str(event.after)
