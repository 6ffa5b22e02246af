from typing import Any

import pytest
from rest_framework.test import APIClient

from hokusai.transparency import services
from hokusai.transparency.algorithms.checkpoints import CheckpointText
from hokusai.transparency.algorithms.notes import verified_text
from hokusai.transparency.algorithms.proofs import verify_consistency, verify_inclusion
from hokusai.transparency.models import Checkpoint, LogLeaf, LogRecord
from hokusai.transparency.policy import log_keys
from tests.hokusai.transparency.conftest import write

pytestmark = pytest.mark.django_db
LOG = "/api/v1/log/"


@pytest.fixture
def log(filled: list[LogRecord], log_secret: object) -> APIClient:
    """Nobody in particular, asking a log of eight leaves with checkpoints of seven and eight."""
    services.sign_checkpoint()
    write(8)
    services.sequence()
    services.sign_checkpoint()
    return APIClient()


def unhexed(hashes: list[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in hashes]


def test_the_last_checkpoint_is_public_with_its_policy(log: APIClient) -> None:
    answer = log.get(f"{LOG}checkpoint").json()
    last = Checkpoint.objects.first()
    assert last is not None
    assert (answer["size"], answer["root"]) == (8, last.root)
    assert answer["origin"] == "local/development/log"
    assert answer["witnesses"] == {"needed": 0, "of": 0, "cosigned": [], "met": True}


@pytest.mark.parametrize(
    ("query", "headers"), [("?format=note", {}), ("", {"Accept": "text/plain"})]
)
def test_the_checkpoint_is_answered_as_its_note(
    log: APIClient, query: str, headers: dict[str, str]
) -> None:
    answer = log.get(f"{LOG}checkpoint{query}", headers=headers)
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    text = CheckpointText.of(verified_text(answer.content.decode(), log_keys()))
    assert text.size == 8


def test_before_the_first_checkpoint_there_is_none() -> None:
    for query in ("", "?witnessed=true", "?format=note"):
        assert APIClient().get(f"{LOG}checkpoint{query}").status_code == 404


def test_the_last_witnessed_checkpoint_is_asked_for_by_name(
    log: APIClient, twin: Any, settings: Any
) -> None:
    witness = twin(1)
    settings.WITNESS_THRESHOLD = 1
    assert log.get(f"{LOG}checkpoint?witnessed=true").status_code == 404
    assert log.get(f"{LOG}checkpoint").json()["witnesses"]["met"] is False
    services.publish_checkpoint()
    answer = log.get(f"{LOG}checkpoint?witnessed=true").json()
    assert answer["witnesses"]["cosigned"] == [witness.key.name]
    assert witness.key.name in answer["note"]


def test_checkpoints_are_listed_from_the_largest_on(log: APIClient) -> None:
    sizes = [each["size"] for each in log.get(f"{LOG}checkpoints").json()["results"]]
    assert sizes == [8, 7]
    (only,) = log.get(f"{LOG}checkpoints?below=8&count=1").json()["results"]
    assert only["size"] == 7


def test_an_inclusion_proof_verifies(log: APIClient) -> None:
    answer = log.get(f"{LOG}proof?index=2&size=7").json()
    verify_inclusion(
        index=2,
        size=7,
        leaf_hash=bytes.fromhex(answer["leaf_hash"]),
        proof=unhexed(answer["hashes"]),
        root=bytes.fromhex(answer["root"]),
    )
    assert answer["root"] == Checkpoint.objects.get(size=7).root
    assert log.get(f"{LOG}proof?index=2").json()["size"] == 8


def test_a_consistency_proof_verifies(log: APIClient) -> None:
    answer = log.get(f"{LOG}consistency?first=7").json()
    verify_consistency(
        first=7,
        second=8,
        first_root=bytes.fromhex(answer["first_root"]),
        second_root=bytes.fromhex(answer["second_root"]),
        proof=unhexed(answer["hashes"]),
    )


def test_leaves_are_digests_and_never_statements(log: APIClient) -> None:
    answer = log.get(f"{LOG}leaves?start=6&count=1").json()
    leaf = LogLeaf.objects.select_related("record").get(index=6)
    (shown,) = answer["results"]
    assert answer["size"] == 8
    del shown["sequenced_at"]
    assert shown == {
        "index": 6,
        "kind": "attempt",
        "digest": leaf.record.digest,
        "key_id": "",
        "previous": "",
        "leaf_hash": bytes(leaf.leaf_hash).hex(),
    }


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("proof", 400),
        ("proof?index=x", 400),
        ("proof?index=-1", 400),
        ("proof?index=7&size=7", 400),
        ("proof?index=8", 404),
        ("proof?index=0&size=9", 404),
        ("proof?index=99999999999999999999", 400),
        ("consistency", 400),
        ("consistency?first=0", 400),
        ("consistency?first=8&second=7", 400),
        ("consistency?first=1&second=9", 404),
        ("leaves?count=201", 400),
        ("leaves?start=-1", 400),
        ("checkpoints?below=0", 400),
        ("checkpoint?witnessed=perhaps", 400),
        ("checkpoint?format=xml", 404),
    ],
)
def test_what_the_log_cannot_answer_is_said_so(log: APIClient, path: str, status: int) -> None:
    assert log.get(LOG + path).status_code == status


def test_pages_cost_few_queries(log: APIClient, django_assert_max_num_queries: Any) -> None:
    for path in ("checkpoint", "checkpoints", "proof?index=3", "consistency?first=3", "leaves"):
        with django_assert_max_num_queries(6):
            log.get(LOG + path)
