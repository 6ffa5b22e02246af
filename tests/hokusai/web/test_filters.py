from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError

from hokusai.web.filters import MomentFilter
from tests.hokusai.api.world import make_world


def test_a_moment_is_read_in_utc() -> None:
    moment = MomentFilter().field.clean("2000-01-01T00:00:00+23:59")
    assert moment == datetime(1999, 12, 31, 0, 1, tzinfo=UTC)
    assert moment.tzinfo is UTC


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "yesterday", "2000-13-01T00:00:00Z"])
def test_what_is_no_moment_is_invalid(text: str) -> None:
    with pytest.raises(ValidationError):
        MomentFilter().field.clean(text)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address",
    [
        "events?since=",
        "events?until=",
        "runs?started_after=",
        "versions?registered_after=",
        "models/{model_id}/at?time=",
    ],
)
def test_moments_of_far_offsets_and_early_years_are_no_fault(tmp_path: Path, address: str) -> None:
    world = make_world(tmp_path)
    path = "/api/v1/" + address.format(**world.names)
    owner = world.callers["owner"]
    assert owner.get(path + "2000-01-01T00:00:00%2B23:59").status_code in (200, 400)
    assert owner.get(path + "0001-01-01T00:00:00%2B14:00").status_code == 400
