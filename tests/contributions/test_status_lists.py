import orjson
import pytest

from contributions import status_lists
from contributions.algorithms.statement import validate_statement
from contributions.algorithms.statement_rules import STATUS_LIST_TYPE
from contributions.models import Attestation, StatusList
from contributions.receivers import IssueStatusList
from hokusai.core.canonical import parse_canonical, sha256_hex
from hokusai.core.merkle import leaf_hash
from hokusai.core.models import Event
from hokusai.transparency import services as log
from hokusai.transparency.algorithms.proofs import ProofError, verify_inclusion
from tests.factories import AttestationFactory, EventFactory
from tests.racing import race

pytestmark = pytest.mark.django_db


def proven(attestation: Attestation) -> str:
    """The status that a list proves; the proof is checked against the root that it states."""
    found = status_lists.entry_and_proof(attestation)
    assert found is not None
    statement = parse_canonical(found.list.statement.encode())
    verify_inclusion(
        index=found.index,
        size=found.size,
        leaf_hash=leaf_hash(found.entry),
        proof=found.path,
        root=bytes.fromhex(statement["root"]["sha256"]),
    )
    entry = parse_canonical(found.entry)
    assert entry["attestation"] == attestation.statement_id
    return str(entry["status"])


def test_a_list_names_every_complete_attestation_and_its_root_is_a_record() -> None:
    rows = [AttestationFactory() for _ in range(5)]
    AttestationFactory(status="pending", statement_id="")
    made = status_lists.refresh()
    assert made is not None
    statement = orjson.loads(made.statement)
    validate_statement(statement, STATUS_LIST_TYPE)
    assert (made.number, statement["number"], statement["size"]) == (1, 1, 5)
    assert made.log_record.kind == "status"
    assert made.log_record.digest == sha256_hex(made.statement.encode())
    assert [entry["attestation"] for entry in made.entries] == sorted(
        row.statement_id for row in rows
    )
    assert [proven(row) for row in rows] == ["valid"] * 5


def test_a_new_list_follows_a_change_and_nothing_else() -> None:
    first, second = AttestationFactory(), AttestationFactory()
    one = status_lists.refresh()
    assert status_lists.refresh() is None
    Attestation.objects.filter(pk=first.pk).update(status="revoked")
    two = status_lists.refresh()
    assert one is not None
    assert two is not None
    assert (one.number, two.number) == (1, 2)
    assert two.log_record.previous == one.log_record.digest
    assert (proven(first), proven(second)) == ("revoked", "valid")
    assert Event.objects.filter(tag="status-list:issued").count() == 2


def test_the_proof_of_one_entry_is_none_for_another() -> None:
    first, second = AttestationFactory(), AttestationFactory()
    status_lists.refresh()
    one, two = (status_lists.entry_and_proof(row) for row in (first, second))
    assert one is not None
    assert two is not None
    statement = orjson.loads(one.list.statement)
    with pytest.raises(ProofError):
        verify_inclusion(
            index=one.index,
            size=one.size,
            leaf_hash=leaf_hash(two.entry),
            proof=one.path,
            root=bytes.fromhex(statement["root"]["sha256"]),
        )


def test_without_an_attestation_there_is_no_list() -> None:
    assert status_lists.refresh() is None
    assert status_lists.entry_and_proof(AttestationFactory()) is None


def test_an_attestation_after_the_last_list_is_not_in_it() -> None:
    AttestationFactory()
    status_lists.refresh()
    assert status_lists.entry_and_proof(AttestationFactory()) is None


def test_signing_and_revoking_issue_a_list() -> None:
    attestation = AttestationFactory()
    receiver = IssueStatusList()
    assert receiver.tags == {"attestation:signed", "attestation:revoked"}
    event = EventFactory(tag="attestation:signed", subject=attestation.statement_id)
    receiver.receive(event, operation_id="1")
    receiver.receive(event, operation_id="1")
    assert StatusList.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_lists_that_are_issued_at_once_have_no_gap_and_are_found_below_a_size() -> None:
    rows = [AttestationFactory() for _ in range(3)]
    answers = race(*[status_lists.refresh] * 3)
    assert [answer.number for answer in answers if answer is not None] == [1]
    log.sequence()
    Attestation.objects.filter(pk=rows[0].pk).update(status="revoked")
    status_lists.refresh()
    log.sequence()
    first = StatusList.objects.get(number=1).log_record.leaf.index
    before = status_lists.entry_and_proof(rows[0], first + 1)
    assert before is not None
    assert (before.list.number, before.status) == (1, "valid")
    assert status_lists.entry_and_proof(rows[0], first) is None
    assert proven(rows[0]) == "revoked"
