import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from deployments.models import Revision
from tests.factories import PredictionFactory, RevisionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def revision() -> Revision:
    found: Revision = RevisionFactory()
    PredictionFactory(of=found, at=datetime(2026, 3, 1, 23, 59, tzinfo=UTC), request_id="in")
    PredictionFactory(of=found, at=datetime(2026, 3, 2, tzinfo=UTC), request_id="after")
    return found


@pytest.mark.parametrize("since", ["2026-03-01", "2026-03-01T01:00:00+01:00"])
def test_a_day_is_written(since: str, revision: Revision, tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    call_command("export_predictions", revision.deployment.public_id, str(file), since=since)
    events = [json.loads(line) for line in file.read_text().splitlines()]
    assert [event["id"] for event in events] == ["in", "in"]


@pytest.mark.parametrize(
    ("since", "until"),
    [("yesterday", ""), ("2026-13-01", ""), ("2026-03-02", "2026-03-01")],
)
def test_what_is_no_time_is_refused(
    since: str, until: str, revision: Revision, tmp_path: Path
) -> None:
    name, file = revision.deployment.public_id, str(tmp_path / "events.ndjson")
    with pytest.raises(CommandError):
        call_command("export_predictions", name, file, since=since, until=until)


def test_a_file_that_is_there_is_not_overwritten(revision: Revision, tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text("mine")
    with pytest.raises(CommandError):
        call_command(
            "export_predictions", revision.deployment.public_id, str(file), since="2026-03-01"
        )
    assert file.read_text() == "mine"


def test_an_unknown_deployment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no deployment"):
        call_command("export_predictions", "dep_no", str(tmp_path / "f"), since="2026-03-01")
