import pytest
from rest_framework.test import APIClient

from hokusai.core.models import Event
from hokusai.web.request_ids import sound_id
from tests.factories import UserFactory


@pytest.mark.parametrize("offered", ["trace-0001", "a" * 64, "0a1b.2c_3d"])
def test_a_sound_id_is_kept(offered: str) -> None:
    assert sound_id(offered) == offered


@pytest.mark.parametrize(
    "offered", ["", "short", "a" * 65, "has space 1", "line\nbreak12", "ü" * 9]
)
def test_an_unsound_id_is_replaced(offered: str) -> None:
    assert sound_id(offered).startswith("req_")


@pytest.mark.django_db
def test_events_carry_the_id_of_the_request_that_made_them() -> None:
    client = APIClient(headers={"X-Request-ID": "trace-0002"})
    client.force_authenticate(UserFactory())
    client.post("/api/v1/projects", {"slug": "tides", "name": "Tides"})
    assert Event.objects.get(tag="project:created").request_id == "trace-0002"


@pytest.mark.django_db
def test_requests_without_an_id_get_one_each() -> None:
    client = APIClient()
    ids = {client.get("/api/v1/health/live")["X-Request-ID"] for _ in range(2)}
    assert len(ids) == 2
