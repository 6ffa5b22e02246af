import os
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, transaction
from psycopg.errors import InsufficientPrivilege

from hokusai.core.canonical import parse_canonical, sha256_hex
from hokusai.core.errors import DomainError, InvalidInput, NotFound
from hokusai.core.events import SYSTEM, record
from hokusai.core.merkle import leaf_hash
from hokusai.transparency import services
from hokusai.transparency.algorithms.proofs import verify_consistency, verify_inclusion
from hokusai.transparency.exceptions import StatementRefused
from hokusai.transparency.leaves import leaf_bytes_of
from hokusai.transparency.models import LogLeaf, LogRecord
from tests.hokusai.transparency.conftest import write

pytestmark = pytest.mark.django_db
RUNTIME = urlsplit(os.environ["TEST_RUNTIME_URL"])


def test_a_record_keeps_the_canonical_statement_and_its_digest() -> None:
    kept = write(7, key_id="k", previous="p")
    assert kept.statement == '{"n":7}'
    assert kept.digest == sha256_hex(b'{"n":7}')
    assert not hasattr(kept, "leaf")


def test_a_leaf_holds_the_digest_and_never_the_statement() -> None:
    kept = write(7, key_id="k", previous="p")
    assert parse_canonical(leaf_bytes_of(kept)) == {
        "keyId": "k",
        "kind": "attempt",
        "previous": "p",
        "statement": {"sha256": kept.digest},
    }


@pytest.mark.parametrize("statement", [{"x": 0.5}, {"x": 2**53}, {"x": "é" * 40_000}])
def test_a_statement_without_form_or_too_long_is_refused(statement: dict[str, object]) -> None:
    with pytest.raises(StatementRefused), transaction.atomic():
        services.append("attempt", statement, subject="cmp_1")
    assert not LogRecord.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_record_is_not_written_outside_a_transaction() -> None:
    with pytest.raises(DomainError):
        services.append("attempt", {"n": 1}, subject="cmp_1")


def test_the_record_of_a_subject_is_its_last(filled: list[LogRecord]) -> None:
    later = write(3, previous=filled[3].digest)
    assert services.record_for("cmp_3", "attempt") == later
    assert services.record_for("cmp_3", "attestation") is None


@pytest.mark.usefixtures("filled")
def test_every_proof_of_the_log_verifies() -> None:
    for size in range(1, 8):
        for index in range(size):
            proof = services.inclusion(index, size)
            leaf = LogLeaf.objects.select_related("record").get(index=index)
            assert proof.leaf_hash == leaf_hash(leaf_bytes_of(leaf.record))
            verify_inclusion(
                index=index,
                size=size,
                leaf_hash=proof.leaf_hash,
                proof=proof.hashes,
                root=proof.root,
            )
        for first in range(1, size + 1):
            found = services.consistency(first, size)
            verify_consistency(
                first=first,
                second=size,
                first_root=found.first_root,
                second_root=found.second_root,
                proof=found.hashes,
            )


@pytest.mark.usefixtures("filled")
def test_several_proofs_are_those_of_each_leaf(django_assert_max_num_queries: object) -> None:
    indices = [5, 0, 3]
    each = [services.inclusion(index, 6) for index in indices]
    with django_assert_max_num_queries(4):  # type: ignore[operator]
        assert services.inclusions(indices, 6) == each
    assert services.inclusions([], 6) == []
    with pytest.raises(InvalidInput):
        services.inclusions([0, 6], 6)
    with pytest.raises(NotFound):
        services.inclusions([0], 8)


@pytest.mark.usefixtures("filled")
def test_a_proof_without_a_size_is_of_the_whole_tree() -> None:
    assert services.inclusion(0).size == services.consistency(1).second == 7


@pytest.mark.usefixtures("filled")
def test_what_the_log_does_not_have_is_not_found() -> None:
    for index, size in ((7, None), (-1, None), (0, 8), (0, 0)):
        with pytest.raises(NotFound):
            services.inclusion(index, size)
    with pytest.raises(NotFound):
        services.consistency(1, 8)


@pytest.mark.usefixtures("filled")
def test_a_leaf_beyond_the_size_asked_for_is_an_error() -> None:
    with pytest.raises(InvalidInput):
        services.inclusion(5, 5)
    for first, second in ((0, 5), (6, 5)):
        with pytest.raises(InvalidInput):
            services.consistency(first, second)


@pytest.mark.usefixtures("filled")
def test_a_proof_is_read_in_few_queries(django_assert_max_num_queries: object) -> None:
    with django_assert_max_num_queries(4):  # type: ignore[operator]
        services.inclusion(3, 7)


@pytest.fixture
def as_runtime() -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """Django itself, and a plain connection, as the runtime role."""
    call_command("grant_runtime", role=RUNTIME.username, verbosity=0)
    owner = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update(USER=RUNTIME.username, PASSWORD=RUNTIME.password)
    url = RUNTIME._replace(path="/" + connection.settings_dict["NAME"]).geturl()
    with psycopg.connect(url, autocommit=True) as found:
        yield found
    connection.close()
    connection.settings_dict.update(owner)


@pytest.mark.django_db(transaction=True)
def test_the_runtime_role_sequences_and_cannot_change_what_is_logged(
    as_runtime: "psycopg.Connection[tuple[object, ...]]",
) -> None:
    with transaction.atomic():
        record("a:b", subject="thing", actor=SYSTEM, project_id=None)
        services.append("attempt", {"n": 1}, subject="cmp_1")
    assert services.sequence() == 2
    tables = (
        "logrecord",
        "logleaf",
        "lognode",
        "eventbatch",
        "sealedevent",
        "checkpoint",
        "cosignature",
    )
    for table in tables:
        for statement in (
            f"DELETE FROM transparency_{table}",
            f"TRUNCATE transparency_{table} CASCADE",
            f"UPDATE transparency_{table} SET {COLUMN[table]} = {COLUMN[table]}",
        ):
            with pytest.raises(InsufficientPrivilege):
                as_runtime.execute(statement)


COLUMN = {
    "logrecord": "statement",
    "logleaf": "leaf_hash",
    "lognode": "hash",
    "eventbatch": "root",
    "sealedevent": "position",
    "checkpoint": "root",
    "cosignature": "line",
}
