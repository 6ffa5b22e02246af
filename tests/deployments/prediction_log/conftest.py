"""A writer of the test's own, which writes when it is told to, and rows that are real."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from pytest_django import Settings

from deployments.prediction_log import table
from deployments.prediction_log.writer import Writer

CONNECT = table.connect


@pytest.fixture
def spool_folder(settings: Settings, tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    settings.PREDICTION_SPOOL = str(folder)
    return folder


@pytest.fixture
def writer(spool_folder: Path, db: None) -> Iterator[Writer]:
    """Commits through a connection of its own, which is why the table is emptied behind it."""
    found = Writer()
    yield found
    found.close()
    with CONNECT() as connection:
        connection.execute("DELETE FROM deployments_predictionlog")


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Takes PostgreSQL away from writers, and gives it back."""

    def refuse() -> table.Connection:
        raise psycopg.OperationalError("connection refused")

    def switch(is_away: bool) -> None:
        monkeypatch.setattr(table, "connect", refuse if is_away else CONNECT)

    return switch
