import pytest

from tests.hokusai.tracking.logged import LoggedModel, log_model


@pytest.fixture(scope="session")
def logged(mlflow_url: str) -> LoggedModel:
    """A model on the run's tracking server, logged once."""
    return log_model(mlflow_url)
