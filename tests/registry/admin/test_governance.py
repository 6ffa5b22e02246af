"""The console's pages of promotions, policies, history, shares and archives."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from hokusai.accounts.choices import Role
from hokusai.accounts.models import Project
from registry.models import (
    ArtifactScan,
    Dataset,
    Model,
    ModelShare,
    ModelVersion,
    Promotion,
    PromotionPolicy,
)
from tests.factories import (
    ArtifactScanFactory,
    DatasetFactory,
    DatasetVersionFactory,
    ModelFactory,
    ModelShareFactory,
    ModelVersionFactory,
    ProjectFactory,
    PromotionFactory,
    PromotionPolicyFactory,
    UserFactory,
)
from tests.staff import SENT, Staff, staff_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    found: Project = ProjectFactory()
    return found


@pytest.fixture
def owner(project: Project) -> Staff:
    return staff_in(project, Role.OWNER)


@pytest.fixture
def reviewer(project: Project) -> Staff:
    return staff_in(project, Role.REVIEWER)


@pytest.fixture
def version(project: Project) -> ModelVersion:
    found: ModelVersion = ModelVersionFactory(model__project=project)
    return found


def act(client: Client, name: str, obj: Any, **data: Any) -> Any:
    return client.post(reverse(f"admin:registry_{name}", args=[obj.pk]), {**SENT, **data})


def page(client: Client, obj: Any, **query: str) -> Any:
    opts = obj._meta
    url = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[obj.pk])
    return client.get(url, query)


def listed(client: Client, model: type, **query: str) -> list[Any]:
    url = reverse(f"admin:registry_{model._meta.model_name}_changelist")
    return list(client.get(url, query).context["cl"].result_list)


def offered(client: Client, obj: Any) -> set[str]:
    return {action["title"] for action in page(client, obj).context["actions_detail"]}


def promote(version: ModelVersion, asker: Staff, reviewer: Staff) -> None:
    PromotionPolicy.objects.get_or_create(
        project=version.project,
        stage="production",
        defaults={"roles": ["reviewer"], "changed_by": asker.user},
    )
    act(asker.client, "modelversion_promote", version, target="production", comment="go")
    act(reviewer.client, "promotion_approve", Promotion.objects.get(version=version), comment="")


def test_an_approval_that_is_not_the_last_says_how_many_are_missing(
    version: ModelVersion, reviewer: Staff
) -> None:
    PromotionPolicyFactory(project=version.project, approvals=3)
    promotion = PromotionFactory(version=version)
    answer = act(reviewer.client, "promotion_approve", promotion, comment="fine")
    shown = reviewer.client.get(answer["HX-Redirect"])
    assert "2 more persons must agree" in shown.content.decode()
    panels = {panel.title: panel for panel in shown.context["page"].panels if panel}
    assert panels["Approvals"].hint == "1 of 3 that are needed."
    assert [row[0] for row in panels["Approvals"].context["rows"]] == [reviewer.user.username]


def test_a_promotions_page_tells_what_must_pass_and_what_informs(
    version: ModelVersion, reviewer: Staff
) -> None:
    checks = [
        {"code": "a", "title": "A", "passed": False, "message": "", "blocking": True},
        {"code": "b", "title": "B", "passed": False, "message": "", "blocking": False},
    ]
    promotion = PromotionFactory(version=version, checks=checks, evidence="see report 7")
    shown = page(reviewer.client, promotion)
    panels = {panel.title: panel for panel in shown.context["page"].panels if panel}
    assert [row[2] for row in panels["Checks"].context["rows"]] == ["must pass", "informs"]
    assert [notice.text for notice in shown.context["page"].notices] == [
        "Not passed when it was asked for: A."
    ]
    assert "see report 7" in shown.content.decode()


def test_a_policy_is_made_and_changed(project: Project, owner: Staff) -> None:
    body = {
        "project": project.pk,
        "stage": "staging",
        "blocking": ["scan_reviewed"],
        "approvals": 1,
        "roles": ["owner"],
        "expires_after_h": "",
    }
    owner.client.post(reverse("admin:registry_promotionpolicy_add"), body)
    policy = PromotionPolicy.objects.get()
    assert (policy.blocking, policy.roles) == (["scan_reviewed"], ["owner"])
    act(
        owner.client,
        "promotionpolicy_change_policy",
        policy,
        approvals=1,
        roles=["owner"],
        expires_after_h=24,
    )
    policy.refresh_from_db()
    assert (policy.blocking, policy.expires_after_h) == ([], 24)


def test_a_policy_that_nobody_can_fulfil_is_refused_in_words(
    project: Project, owner: Staff
) -> None:
    body = {"project": project.pk, "stage": "staging", "approvals": 9, "roles": ["owner"]}
    answer = owner.client.post(reverse("admin:registry_promotionpolicy_add"), body)
    assert "9 approvals are asked for" in answer.content.decode()
    assert not PromotionPolicy.objects.exists()


def test_only_owners_set_policies(project: Project, reviewer: Staff) -> None:
    policy = PromotionPolicyFactory(project=project)
    assert (
        act(
            reviewer.client, "promotionpolicy_change_policy", policy, approvals=1, roles=["owner"]
        ).status_code
        == 403
    )
    assert "Change" not in offered(reviewer.client, policy)


def test_a_model_rolls_back_from_its_page(
    version: ModelVersion, owner: Staff, reviewer: Staff
) -> None:
    newer = ModelVersionFactory(model=version.model)
    promote(version, owner, reviewer)
    assert "Roll back" not in offered(reviewer.client, version.model)
    promote(newer, owner, reviewer)
    assert "Roll back" in offered(reviewer.client, version.model)
    act(reviewer.client, "model_roll_back", version.model, comment="slow")
    assert version.model.versions.in_production().get() == version


def test_a_models_page_shows_its_history_and_what_was_at_a_time(
    version: ModelVersion, owner: Staff, reviewer: Staff
) -> None:
    before = timezone.now()
    promote(version, owner, reviewer)
    shown = page(owner.client, version.model, at=timezone.now().isoformat())
    panels = {panel.title: panel for panel in shown.context["page"].panels if panel}
    (change,) = panels["History"].context["rows"]
    assert change[4:6] == (owner.user.username, reviewer.user.username)
    present = dict(panels["In production at a time"].context["rows"])
    assert present["Approved by"] == reviewer.user.username
    assert f"v{version.number}" in str(present["Version"])
    nothing = page(owner.client, version.model, at=before.isoformat())
    assert "Nothing of this model was in production then." in nothing.content.decode()


@pytest.mark.parametrize("given", ["yesterday", "2026-02-30T10:00", "2999-01-01T00:00", "1" * 99])
def test_what_is_no_time_that_was_is_told(given: str, version: ModelVersion, owner: Staff) -> None:
    shown = page(owner.client, version.model, at=given)
    assert shown.status_code == 200
    assert "Give a day and time that was" in shown.content.decode()


def test_a_model_is_shared_and_no_longer_shared(version: ModelVersion, owner: Staff) -> None:
    other = ProjectFactory(visibility="public")
    act(owner.client, "model_share", version.model, project=other.slug, right="derive")
    share = ModelShare.objects.get()
    assert (share.project, share.right) == (other, "derive")
    assert other.slug in page(owner.client, version.model).content.decode()
    act(owner.client, "model_unshare", version.model, share=share.pk)
    assert not ModelShare.objects.exists()


def test_a_project_that_is_hidden_cannot_be_named(version: ModelVersion, owner: Staff) -> None:
    hidden = ProjectFactory()
    answer = act(owner.client, "model_share", version.model, project=hidden.slug, right="read")
    assert "no such project" in answer.content.decode()
    assert not ModelShare.objects.exists()


def test_what_others_share_is_shown_to_be_read_and_marked(version: ModelVersion) -> None:
    guest = staff_in(ProjectFactory(), Role.OWNER)
    assert page(guest.client, version.model).status_code == 404
    ModelShareFactory(model=version.model, project=guest.user.memberships.get().project)
    secret = ModelVersionFactory(model=version.model, security_level="restricted")
    assert listed(guest.client, Model) == [version.model]
    assert listed(guest.client, ModelVersion) == [version]
    assert page(guest.client, secret).status_code == 404
    for obj in (version.model, version):
        shown = page(guest.client, obj)
        assert f"shared by {version.project.slug}" in shown.content.decode()
        assert shown.context["actions_detail"] == []
        titles = {panel.title for panel in shown.context["page"].panels if panel}
        assert not titles & {"History", "Promotions", "Shared with", "Training data", "Activity"}
    assert act(guest.client, "modelversion_promote", version, target="staging").status_code == 403


def test_what_is_shared_is_not_offered_to_choose(version: ModelVersion) -> None:
    guest = staff_in(ProjectFactory(), Role.OWNER)
    ModelShareFactory(model=version.model, project=None)
    asked = {"app_label": "experiments", "model_name": "experiment", "field_name": "baseline"}
    found = guest.client.get(reverse("admin:autocomplete"), asked).json()["results"]
    assert found == []


def test_a_parent_of_another_project_is_hidden_from_who_may_not_see_it(project: Project) -> None:
    parent = ModelVersionFactory(model__slug="secret-line")
    child = ModelVersionFactory(model__project=project, parent=parent)
    staff = staff_in(project, Role.OWNER)
    shown = page(staff.client, child).content.decode()
    assert parent.model.model_id not in shown
    assert "hidden" in shown
    ModelShareFactory(model=parent.model, project=project)
    assert parent.model.model_id in page(staff.client, child).content.decode()
    url = reverse("admin:registry_modelversion_changelist")
    assert "of another project" in staff.client.get(url).content.decode()


def test_an_archived_model_leaves_the_list_and_comes_back(
    version: ModelVersion, owner: Staff
) -> None:
    act(owner.client, "model_archive", version.model, comment="over")
    assert listed(owner.client, Model) == []
    assert listed(owner.client, Model, archived="yes") == [version.model]
    assert "Archive" not in offered(owner.client, version.model)
    act(owner.client, "model_restore", version.model)
    assert listed(owner.client, Model) == [version.model]


def test_an_archived_dataset_leaves_the_list_and_takes_no_table(
    project: Project, owner: Staff
) -> None:
    dataset = DatasetFactory(project=project)
    DatasetVersionFactory(dataset=dataset)
    act(owner.client, "dataset_archive", dataset, comment="over")
    assert listed(owner.client, Dataset) == []
    assert listed(owner.client, Dataset, archived="yes") == [dataset]
    act(owner.client, "dataset_restore", dataset)
    assert listed(owner.client, Dataset) == [dataset]


def test_a_version_is_retired_with_a_successor_of_its_model(
    version: ModelVersion, reviewer: Staff
) -> None:
    newer = ModelVersionFactory(model=version.model)
    foreign = ModelVersionFactory()
    day = (timezone.now() + timedelta(days=40)).date().isoformat()
    act(reviewer.client, "modelversion_retire", version, successor=foreign.pk, sunset_on=day)
    version.refresh_from_db()
    assert version.deprecated_at is None
    act(reviewer.client, "modelversion_retire", version, successor=newer.pk, sunset_on=day)
    version.refresh_from_db()
    assert version.successor == newer
    assert version.sunset_at is not None
    assert version.sunset_at.date().isoformat() == day


def test_a_scan_is_reviewed_where_it_waits(version: ModelVersion, reviewer: Staff) -> None:
    assert "Review scan" not in offered(reviewer.client, version)
    ArtifactScanFactory(version=version, verdict="suspicious")
    assert "Review scan" in offered(reviewer.client, version)
    act(reviewer.client, "modelversion_review_scan", version, comment="a known import")
    assert ArtifactScan.objects.get().reviewed_by == reviewer.user
    assert "Review scan" not in offered(reviewer.client, version)


def test_viewers_are_offered_nothing_of_this(project: Project, version: ModelVersion) -> None:
    viewer = staff_in(project, Role.VIEWER)
    ArtifactScanFactory(version=version, verdict="dangerous")
    UserFactory()
    assert offered(viewer.client, version) == set()
    assert offered(viewer.client, ModelFactory(project=project)) == set()
