import pytest
from pytest_django import Settings

from tests.measuring import measuring, workshop

__all__ = ["measuring", "workshop"]


@pytest.fixture
def long_lease(settings: Settings) -> None:
    """Rows of a test's transaction are invisible to the heartbeat's connection."""
    settings.LEASE_S = 600.0
