"""How the twin fails: the ways in which a tracking server was seen to."""

import pytest

from hokusai.tracking import TrackingNotFound, TrackingUnavailable, VersionPush
from hokusai.tracking.memory import Fault, MemoryTracking

PUSH = VersionPush("a.b", "s3://bucket/model", "", "mdv_1")


@pytest.fixture
def client() -> MemoryTracking:
    client = MemoryTracking()
    client.ensure_model("a.b", {})
    return client


@pytest.mark.parametrize("fault", list(Fault))
def test_a_write_that_fails_after_its_commit_took_effect(
    client: MemoryTracking, fault: Fault
) -> None:
    client.fail_after_commit(fault, times=2)
    for made in (1, 2):
        with pytest.raises(TrackingUnavailable):
            client.create_version(PUSH)
        assert len(client.find_versions("a.b", "mdv_1")) == made
    assert client.create_version(PUSH).version == "3"


def test_a_refused_write_uses_no_fault_up(client: MemoryTracking) -> None:
    client.fail_after_commit(Fault.ANSWERS_503)
    with pytest.raises(TrackingNotFound):
        client.set_alias("a.b", "production", "7")
    with pytest.raises(TrackingUnavailable):
        client.create_version(PUSH)


def test_an_outage_changes_nothing(client: MemoryTracking) -> None:
    client.down = True
    with pytest.raises(TrackingUnavailable):
        client.create_version(PUSH)
    with pytest.raises(TrackingUnavailable):
        client.list_versions()
    client.down = False
    assert client.find_versions("a.b", "mdv_1") == []


def test_a_server_that_comes_back_empty_knows_nothing(client: MemoryTracking) -> None:
    client.create_version(PUSH)
    client.come_back_empty()
    assert client.list_models().items == []
    with pytest.raises(TrackingNotFound):
        client.create_version(PUSH)
    client.ensure_model("a.b", {})
    assert client.create_version(PUSH).version == "1"


def test_no_two_moments_are_the_same(client: MemoryTracking) -> None:
    moments = [client.server.now_ms() for _ in range(100)]
    assert moments == sorted(set(moments))
