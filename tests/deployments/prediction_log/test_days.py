"""Partitions of the log, made and dropped on the test's own database."""

import os
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.db.utils import DataError
from psycopg.errors import InsufficientPrivilege
from pytest_django import Settings

from deployments.log_models import PredictionLog
from deployments.prediction_log.days import AHEAD_DAYS, keep_days
from tests.factories import PredictionFactory

RUNTIME = urlsplit(os.environ["TEST_RUNTIME_URL"])


def parts() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = 'deployments_predictionlog'::regclass ORDER BY 1"
        )
        return [name for (name,) in cursor.fetchall()]


def name_of(moment: datetime) -> str:
    return f"deployments_predictionlog_p{moment:%Y%m%d}"


@pytest.mark.django_db
def test_the_next_days_have_a_partition_each_and_making_them_twice_changes_nothing() -> None:
    today = datetime.now(UTC)
    expected = {name_of(today + timedelta(days=ahead)) for ahead in range(AHEAD_DAYS + 1)}
    assert expected <= set(parts())
    assert keep_days() == {"made": [], "dropped": []}


@pytest.mark.django_db
def test_a_row_of_a_day_without_a_partition_is_kept_and_moved_into_one() -> None:
    at = datetime.now(UTC) - timedelta(days=3)
    row = PredictionFactory(at=at)
    assert keep_days()["made"] == [name_of(at)]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {name_of(at)}")
        assert cursor.fetchall() == [(row.pk,)]


@pytest.mark.django_db
def test_days_that_are_over_are_dropped_with_their_rows(settings: Settings) -> None:
    old, kept = (datetime.now(UTC) - timedelta(days=days) for days in (6, 4))
    for at in (old, kept):
        PredictionFactory(at=at)
    keep_days()
    PredictionFactory(at=old - timedelta(days=3))
    settings.PREDICTION_LOG_DAYS = 5
    assert keep_days()["dropped"] == [name_of(old)]
    assert [row.at.date() for row in PredictionLog.objects.all()] == [kept.date()]


@pytest.mark.django_db
@pytest.mark.parametrize("days", [0, -1, 3661, None])
def test_a_retention_out_of_range_drops_nothing(days: int | None, settings: Settings) -> None:
    settings.PREDICTION_LOG_DAYS = days
    with pytest.raises(DataError, match="keep_days"):
        keep_days()


@pytest.mark.django_db(transaction=True)
def test_the_runtime_role_keeps_the_days_but_may_touch_no_partition() -> None:
    call_command("grant_runtime", role=RUNTIME.username, verbosity=0)
    url = RUNTIME._replace(path="/" + connection.settings_dict["NAME"]).geturl()
    part = name_of(datetime.now(UTC))
    forbidden = (
        f"DELETE FROM {part}",
        f"UPDATE {part} SET code = ''",
        f"DROP TABLE {part}",
        "DELETE FROM deployments_predictionlog",
        "TRUNCATE deployments_predictionlog",
    )
    with psycopg.connect(url, autocommit=True) as runtime:
        assert (
            runtime.execute("SELECT * FROM deployments_keep_predictionlog(7, 30)").fetchall() == []
        )
        for statement in forbidden:
            with pytest.raises(InsufficientPrivilege):
                runtime.execute(statement)
