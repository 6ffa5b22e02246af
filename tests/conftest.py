from collections.abc import Iterator

import pytest
from django.core.cache import cache

from hokusai.storage import stores, uploads
from hokusai.tracking import tracking
from tests.servers import wait_for_mlflow


@pytest.fixture(autouse=True)
def _fresh_twins() -> Iterator[None]:
    """Memory twins and the cache start empty in each test."""
    stores.forget()
    uploads.forget()
    tracking.forget()
    yield
    cache.clear()


@pytest.fixture(scope="session")
def mlflow_url() -> str:
    """The tracking server of this run."""
    return wait_for_mlflow()
