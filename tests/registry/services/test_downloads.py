from pathlib import Path

import pytest

from hokusai.accounts.choices import Role
from hokusai.accounts.services import actor_of
from hokusai.core.errors import Forbidden, NotFound
from hokusai.core.models import Event
from hokusai.storage import stores
from registry import services
from registry.choices import SecurityLevel
from registry.exceptions import ArtifactNotReady
from registry.models import ModelVersion
from tests.factories import (
    ModelShareFactory,
    ModelVersionFactory,
    ProjectFactory,
    UserFactory,
    member,
)

pytestmark = pytest.mark.django_db
ROLES = {
    SecurityLevel.PUBLIC: set(Role),
    SecurityLevel.INTERNAL: set(Role),
    SecurityLevel.CONFIDENTIAL: {Role.ENGINEER, Role.REVIEWER, Role.OWNER},
    SecurityLevel.RESTRICTED: {Role.REVIEWER, Role.OWNER},
}


@pytest.fixture
def version(tmp_path: Path) -> ModelVersion:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "model.bin").write_bytes(b"weights")
    manifest = stores["default"].put_tree(tmp_path)
    found: ModelVersion = ModelVersionFactory(tree_digest=manifest.digest)
    return found


def test_every_file_comes_with_its_digest_and_a_link(version: ModelVersion) -> None:
    person = member(version.project)
    opened = services.open_artifact(version_id=version.pk, user=person, actor=actor_of(person))
    [file] = opened.files
    assert (file.path, file.size_bytes, opened.size_bytes) == ("data/model.bin", 7, 7)
    assert file.sha256 in file.url
    event = Event.objects.get(tag="artifact:downloaded")
    assert (event.actor_label, event.after["files"]) == (person.username, ["data/model.bin"])


@pytest.mark.parametrize("level", SecurityLevel)
def test_a_level_says_which_roles_get_the_files(
    level: SecurityLevel, version: ModelVersion
) -> None:
    ModelVersion.objects.update(security_level=level)
    allowed = set()
    for role in Role:
        person = member(version.project, role)
        try:
            services.open_file(
                version_id=version.pk,
                path="data/model.bin",
                user=person,
                actor=actor_of(person),
            )
        except Forbidden:
            continue
        allowed.add(role)
    assert allowed == ROLES[level]
    assert Event.objects.filter(tag="artifact:downloaded").count() == len(allowed)


def test_outsiders_of_a_public_project_get_what_is_public(version: ModelVersion) -> None:
    version.project.visibility = "public"
    version.project.save()
    outsider = UserFactory()
    call = {"version_id": version.pk, "user": outsider, "actor": actor_of(outsider)}
    with pytest.raises(Forbidden):
        services.open_artifact(**call)
    ModelVersion.objects.update(security_level=SecurityLevel.PUBLIC)
    assert services.open_artifact(**call).files


def test_an_unknown_file_is_not_found(version: ModelVersion) -> None:
    person = member(version.project)
    with pytest.raises(NotFound):
        services.open_file(
            version_id=version.pk, path="../secret", user=person, actor=actor_of(person)
        )


def test_a_version_that_is_still_copied_has_no_files(version: ModelVersion) -> None:
    pending = ModelVersionFactory(model=version.model, artifact_state="copying", tree_digest="")
    person = member(version.project)
    with pytest.raises(ArtifactNotReady):
        services.open_artifact(version_id=pending.pk, user=person, actor=actor_of(person))


@pytest.mark.parametrize(
    ("level", "given"),
    [("public", True), ("internal", True), ("confidential", False), ("restricted", False)],
)
def test_those_a_model_is_shared_with_get_what_every_member_gets(
    level: str, given: bool, version: ModelVersion
) -> None:
    ModelVersion.objects.update(security_level=level)
    person = member(ProjectFactory())
    call = {"version_id": version.pk, "user": person, "actor": actor_of(person)}
    with pytest.raises(Forbidden):
        services.open_artifact(**call)
    ModelShareFactory(model=version.model, project=person.memberships.get().project)
    if given:
        assert services.open_artifact(**call).files
    else:
        with pytest.raises(Forbidden):
            services.open_artifact(**call)
