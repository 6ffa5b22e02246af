import io
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from pytest_django import Settings

from deployments.exceptions import NoExport
from deployments.models import Revision
from deployments.prediction_log import exporting
from deployments.prediction_log.exporting import ExportContent, open_export, write_events
from hokusai.core.errors import InvalidInput
from hokusai.core.events import SYSTEM
from tests.factories import PredictionExportFactory, PredictionFactory, RevisionFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def revision() -> Revision:
    return RevisionFactory()


def written(revision: Revision, since: datetime, until: datetime) -> list[Any]:
    file = io.BytesIO()
    told = list(write_events(revision.deployment, since, until, file))
    lines = file.getvalue().splitlines()
    assert (told[-1][0] if told else 0) == len(lines)
    return [orjson.loads(line) for line in lines]


def test_a_time_is_written_in_its_order_to_its_last_moment(
    revision: Revision, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "PAGE", 2)
    moments = (AT - HOUR, AT, AT, AT, AT + HOUR / 2, AT + HOUR)
    for number, at in enumerate(moments):
        PredictionFactory(of=revision, at=at, request_id=f"r{number}")
    PredictionFactory(at=AT)
    events = written(revision, AT, AT + HOUR)
    assert [event["id"] for event in events[::2]] == ["r1", "r2", "r3", "r4"]
    assert len(events) == 8


def test_of_an_empty_time_an_empty_file_is_written(revision: Revision) -> None:
    assert written(revision, AT, AT + HOUR) == []


@pytest.mark.parametrize("hours", [0, -1, 24 * 31 + 1])
def test_a_time_must_end_after_it_begins_within_a_month(hours: int, revision: Revision) -> None:
    with pytest.raises(InvalidInput):
        written(revision, AT, AT + hours * HOUR)


def test_the_store_keeps_files_as_long_as_the_log_keeps_rows(settings: Settings) -> None:
    export = PredictionExportFactory(digest="1" * 64)
    PredictionExportFactory(digest="")
    assert list(ExportContent().digests()) == [("blob", "1" * 64)]
    settings.PREDICTION_LOG_DAYS = 0
    assert list(ExportContent().digests()) == []
    with pytest.raises(NoExport, match="kept for"):
        open_export(export_id=export.pk, actor=SYSTEM)
