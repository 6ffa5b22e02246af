from typing import Any

import pytest
from rest_framework.test import APIClient

from hokusai.accounts.choices import Role
from hokusai.accounts.models import Project, User
from tests.factories import ProjectFactory, api_key, member


@pytest.fixture
def project(db: None) -> Project:
    """A private project."""
    made: Project = ProjectFactory()
    return made


@pytest.fixture
def engineer(project: Project) -> User:
    """An engineer of the project."""
    return member(project, Role.ENGINEER)


@pytest.fixture
def client_of() -> Any:
    """A client that is logged in as a person."""

    def make(user: User) -> APIClient:
        client = APIClient()
        client.force_authenticate(user)
        return client

    return make


@pytest.fixture
def key_client() -> Any:
    """A client with a new API key of a project."""

    def make(project: Project, *scopes: str, **fields: Any) -> APIClient:
        _, secret = api_key(project, *scopes, **fields)
        return APIClient(headers={"Authorization": f"Bearer {secret}"})

    return make
