"""Checking given rows in a worker: they fit the project's benchmarks and are none of their rows."""

from dataclasses import dataclass

from contributions.choices import ContributionStatus
from contributions.disclosure import RowCommitment, commit_to
from contributions.likeness import seen_rows, seen_rows_of
from contributions.models import Contribution
from experiments.models import Benchmark
from hokusai.core.errors import NotFound
from hokusai.core.events import SYSTEM, record
from hokusai.core.jobs import Work
from hokusai.core.models import Job
from registry.algorithms.tables import Table, TableError
from registry.services import read_rows

# Which rows matched, or how many, would tell what a hidden benchmark holds.
PROTECTED = {
    "code": "overlaps_protected_data",
    "message": "Part of this data is already known to the platform as protected; none of it can "
    "be taken.",
}


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why rows do not fit a benchmark."""

    benchmark: str
    message: str


def take_in(work: Work) -> None:
    """Accept or refuse one contribution. Safe to repeat."""
    contribution = _contribution(work.job)
    if contribution.status != ContributionStatus.RECEIVED:
        return
    work.progress(20, "reading the rows")
    table = read_rows(contribution.dataset_version)
    work.progress(50, "checking the rows")
    reasons = _reasons(contribution, table)
    commitment = None if reasons else commit_to(table, contribution.dataset_version)
    with work.result():
        _decide(contribution, reasons, commitment)


def intake_failed(job: Job, reason: str) -> None:
    """Refuse the contribution for the reason that ended its job."""
    _decide(_contribution(job), [{"code": "unreadable", "message": reason}])


def _contribution(job: Job) -> Contribution:
    found = Contribution.objects.with_names().filter(public_id=job.subject).first()
    if found is None:
        raise NotFound("The contribution of this job is gone.")
    return found


def _reasons(contribution: Contribution, table: Table) -> list[dict[str, str]]:
    misfits = []
    found = Benchmark.objects.filter(project=contribution.project).exclude(status="retired")
    benchmarks = list(found.select_related("dataset_version"))
    for benchmark in benchmarks:
        try:
            given = seen_rows(table, benchmark.features)
        except TableError as error:
            misfits.append(Misfit(benchmark.name, str(error)))
            continue
        if not given.isdisjoint(seen_rows_of(benchmark.dataset_version, benchmark.features)):
            return [PROTECTED]
    if misfits and len(misfits) == len(benchmarks):
        return [
            {"code": "columns_do_not_fit", "message": f"{item.benchmark}: {item.message}"}
            for item in misfits
        ]
    return []


def _decide(
    contribution: Contribution,
    reasons: list[dict[str, str]],
    commitment: RowCommitment | None = None,
) -> None:
    row = Contribution.objects.select_for_update(of=("self",)).get(pk=contribution.pk)
    before = row.status
    if before != ContributionStatus.RECEIVED:
        # Withdrawn while it was checked: there is nothing left to decide.
        return
    row.move_to(ContributionStatus.REFUSED if reasons else ContributionStatus.ACCEPTED)
    row.reasons = reasons
    if commitment is not None:
        row.disclosure_root, row.disclosure_secret = commitment.root, commitment.secret
    row.save(update_fields=["status", "reasons", "disclosure_root", "disclosure_secret"])
    record(
        f"contribution:{row.status}",
        subject=row.public_id,
        actor=SYSTEM,
        project_id=row.project_id,
        label=str(contribution),
        before={"status": before},
        after={"status": row.status, "reasons": reasons},
    )
