"""The ledger of attempts: number and level are fixed, and logged, before anything is computed."""

import math
import secrets
from datetime import UTC
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from experiments.algorithms.spending import alpha_for_attempt
from experiments.choices import Split
from experiments.models import Attempt, Benchmark, Comparison
from hokusai.accounts.models import Project
from hokusai.core.errors import OutsideUnavailable
from hokusai.transparency import services as log
from hokusai.transparency.choices import RecordKind
from hokusai.transparency.models import LogLeaf, LogRecord
from registry.models import RowDigest

STATEMENT_TYPE = "urn:hokusai:log:attempt:v1"
BILLION = 1_000_000_000
NONCE_BYTES = 16


class NotInTheLog(OutsideUnavailable):
    """The attempt has no place in the log yet; nothing is computed before it has."""

    code = "attempt_not_logged"


def next_number(benchmark: Benchmark, split: Split) -> int:
    """Which try the next one is against these rows, or rows of which it shares some; locks the
    project until the transaction ends.

    A new name, seed or selection of the same rows does not begin again from one.
    """
    Project.objects.select_for_update().get(pk=benchmark.project_id)
    return expected_number(benchmark, split)


def expected_number(benchmark: Benchmark, split: Split = Split.SCREENING) -> int:
    """The same, as it stands now, without a lock: what a person is told before asking."""
    if split == Split.CONFIRMATION:
        return ledger_of(benchmark, split).count() + 1
    tried = Comparison.objects.filter(
        benchmark__project_id=benchmark.project_id,
        benchmark__dataset_version__in=_tables_sharing_rows(benchmark),
    )
    return tried.count() + 1


def alpha_e9(benchmark: Benchmark, number: int) -> int:
    """The level that an attempt may spend, in billionths, rounded down."""
    return math.floor(alpha_for_attempt(benchmark.alpha, number) * BILLION)


def open_attempt(comparison: Comparison, split: Split, number: int) -> Attempt:
    """Write an attempt and its log record, in the transaction that `next_number` locked."""
    benchmark = comparison.benchmark
    level = alpha_e9(benchmark, number)
    last = ledger_of(benchmark, split).select_related("record").first()
    record = log.append(
        RecordKind.ATTEMPT,
        _statement(comparison, split, number, level),
        subject=comparison.public_id,
        previous="" if last is None else last.record.digest,
    )
    return Attempt.objects.create(
        comparison=comparison,
        split=split,
        project_id=benchmark.project_id,
        dataset_version_id=benchmark.dataset_version_id,
        number=number,
        alpha_e9=level,
        record=record,
    )


def _statement(comparison: Comparison, split: Split, number: int, level: int) -> dict[str, Any]:
    benchmark = comparison.benchmark
    return {
        "type": STATEMENT_TYPE,
        "ledger": {
            "project": benchmark.project.public_id,
            "rows": benchmark.dataset_version.rows_digest,
            "split": split.value,
        },
        "number": number,
        "alphaE9": level,
        "benchmark": benchmark.spec_digest,
        "comparison": comparison.public_id,
        "baseline": comparison.baseline_digest,
        "candidate": comparison.candidate_digest,
        # Statements stay here, their digests are public: nobody shall guess the one from the other.
        "nonce": secrets.token_hex(NONCE_BYTES),
        "time": timezone.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def ledger_of(benchmark: Benchmark, split: Split) -> QuerySet[Attempt]:
    """Attempts of the project against these rows or rows that share some, newest first."""
    return Attempt.objects.filter(
        project_id=benchmark.project_id,
        split=split,
        dataset_version__in=_tables_sharing_rows(benchmark),
    )


def place_in_log(comparison: Comparison, split: Split) -> int:
    """Let the sequencer give the attempt its place; its index.

    Raises NotInTheLog where it has none, or there is no attempt at all.
    """
    log.sequence()
    leaf = LogLeaf.objects.filter(
        record__attempt__comparison=comparison, record__attempt__split=split
    ).first()
    if leaf is None:
        raise NotInTheLog("The attempt is not in the transparency log yet.")
    return leaf.index


def record_of(comparison: Comparison, split: Split) -> LogRecord | None:
    """The log record of an attempt, with its leaf."""
    found = LogRecord.objects.filter(attempt__comparison=comparison, attempt__split=split)
    return found.select_related("leaf").first()


def _tables_sharing_rows(benchmark: Benchmark) -> set[int]:
    own = RowDigest.objects.filter(dataset_version=benchmark.dataset_version_id)
    sharing = RowDigest.objects.filter(inputs__in=own.values("inputs"))
    return {benchmark.dataset_version_id, *sharing.values_list("dataset_version", flat=True)}
