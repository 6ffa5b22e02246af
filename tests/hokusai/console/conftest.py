import pytest

from hokusai.accounts.choices import Role
from hokusai.accounts.models import Project
from tests.factories import ProjectFactory, SuperuserFactory
from tests.staff import Staff, logged_in, staff_in


@pytest.fixture
def project() -> Project:
    return ProjectFactory()


@pytest.fixture
def root() -> Staff:
    user = SuperuserFactory()
    return Staff(user, logged_in(user))


@pytest.fixture
def engineer(project: Project) -> Staff:
    return staff_in(project, Role.ENGINEER)


@pytest.fixture
def reviewer(project: Project) -> Staff:
    return staff_in(project, Role.REVIEWER)


@pytest.fixture
def viewer(project: Project) -> Staff:
    return staff_in(project, Role.VIEWER)


@pytest.fixture
def outsider() -> Staff:
    return staff_in(None, Role.VIEWER)
