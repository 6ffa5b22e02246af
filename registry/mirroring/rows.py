"""Experiments, models and versions of a tracking server, brought in step with a listing."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hokusai.core.ids import new_id
from hokusai.tracking import (
    ExperimentRecord,
    ModelRecord,
    RunRecord,
    TrackingReader,
    VersionRecord,
)
from registry.mirroring import statements
from registry.mirroring.intake import ask, hashed, kept, kept_values, staged, stated
from registry.mirroring.listing import Listing, runs_behind
from registry.models import TrackedExperiment, TrackedModel, TrackedVersion

LONGEST_NAME = 255
DIGITS = 9
GOVERNED_ALIAS = re.compile(r"^(production|staging|development|hokusai-\d+)\Z")


@dataclass(slots=True)
class Taken:
    """What a listing brought. `changed`: keys of linked versions that differ there now;
    `described`: keys of models whose description does; `refused`: what cannot be kept, and why."""

    experiments: int = 0
    models: int = 0
    new: int = 0
    updated: int = 0
    changed: set[int] = field(default_factory=set)
    described: set[int] = field(default_factory=set)
    refused: list[dict[str, str]] = field(default_factory=list)
    remade: list[str] = field(default_factory=list)


def unknown_runs(server: str, versions: Iterable[VersionRecord]) -> list[str]:
    """Ids of the runs of versions whose experiment is not known yet."""
    known = {
        (name, number)
        for name, number in TrackedVersion.objects.filter(
            server=server, experiment__isnull=False
        ).values_list("name", "number")
    }
    wanted = {
        row.run_id: None
        for row in filter(_fits, versions)
        if row.run_id and (row.name, int(row.version)) not in known
    }
    return list(wanted)


def read_runs(client: TrackingReader, server: str, found: Listing) -> None:
    """Add to a listing the runs behind versions whose experiment is not known yet."""
    wanted = unknown_runs(server, found.versions)
    if not wanted:
        return
    known = {row.experiment_id for row in found.experiments}
    known |= set(
        TrackedExperiment.objects.filter(server=server).values_list("experiment_id", flat=True)
    )
    found.runs = runs_behind(client, sorted(known), wanted)


def take_in(server: str, found: Listing) -> Taken:
    """Bring the mirror in step, inside a transaction. Nothing is ever deleted here."""
    taken = Taken()
    taken.refused = [_refusal(row) for row in found.versions if not _fits(row)]
    models = [row for row in found.models if len(row.name) <= LONGEST_NAME]
    _experiments(server, found.experiments, taken)
    with staged(version_rows(found.versions)) as batch:
        _renames(server, batch)
        _models(server, models, taken)
        _versions(server, batch, taken)
    if found.runs:
        with staged(_run_rows(found.runs.values())) as batch, hashed():
            ask(statements.RUNS, server=server, batch=batch)
    return taken


def _fits(row: VersionRecord) -> bool:
    return len(row.name) <= LONGEST_NAME and row.version.isdecimal() and len(row.version) <= DIGITS


def _refusal(row: VersionRecord) -> dict[str, str]:
    why = f"the name has more than {LONGEST_NAME} letters, or its number more than {DIGITS} digits"
    return {"name": kept(row.name, 80), "version": kept(row.version, 20), "why": why}


def _experiments(server: str, records: list[ExperimentRecord], taken: Taken) -> None:
    if not records:
        return
    rows = (
        {
            "public_id": new_id("txp"),
            "experiment_id": row.experiment_id,
            "name": kept(row.name, 500),
            "lifecycle": kept(row.lifecycle, 20),
            "tags": kept_values(row.tags),
            "created_at": stated(row.created_at_ms),
            "updated_at": stated(row.updated_at_ms),
        }
        for row in records
    )
    with staged(rows) as batch:
        changed = ask(statements.EXPERIMENTS, server=server, batch=batch)
        remade = ask(statements.REMADE, server=server, batch=batch)
    taken.experiments = len(changed)
    taken.remade = [name for (name,) in remade]


def _renames(server: str, batch: str) -> None:
    for old, new in ask(statements.RENAMES, server=server, batch=batch):
        known = TrackedModel.objects.filter(server=server)
        if not known.filter(name=new).exists():
            known.filter(name=old).update(name=new)


def _models(server: str, records: list[ModelRecord], taken: Taken) -> None:
    if not records:
        return
    known = {
        row.name: row
        for row in TrackedModel.objects.filter(
            server=server, name__in=[record.name for record in records]
        )
    }
    moved: list[tuple[str, int]] = []
    for record in records:
        row = known.get(record.name)
        if row is None:
            continue
        moved += [(row.name, number) for number in _moved(row.aliases, record.aliases)]
        if row.model_id and row.description != kept(record.description):
            taken.described.add(row.model_id)
    with staged(_model_rows(records)) as batch:
        taken.models = len(ask(statements.MODELS, server=server, batch=batch))
    taken.changed |= _linked(server, moved)


def _moved(before: Mapping[str, str], after: Mapping[str, str]) -> set[int]:
    """Numbers of versions that a governed alias left or came to."""
    ends = set(before.items()) ^ set(after.items())
    return {int(number) for alias, number in ends if GOVERNED_ALIAS.match(alias)}


def _linked(server: str, versions: list[tuple[str, int]]) -> set[int]:
    """Keys of our versions behind names and numbers."""
    wanted = set(versions)
    rows = TrackedVersion.objects.filter(
        server=server, name__in={name for name, _ in wanted}, version__isnull=False
    ).values_list("name", "number", "version_id")
    return {key for name, number, key in rows if (name, number) in wanted and key is not None}


def _versions(server: str, batch: str, taken: Taken) -> None:
    changed = ask(statements.CHANGED, server=server, batch=batch)
    taken.changed |= {key for (key,) in changed}
    rows = ask(statements.VERSIONS, server=server, batch=batch)
    taken.new = sum(1 for (inserted,) in rows if inserted)
    taken.updated = len(rows) - taken.new
    if taken.new:
        taken.changed |= {key for (key,) in ask(statements.COPIES, server=server, batch=batch)}


def version_rows(versions: Iterable[VersionRecord]) -> Iterator[dict[str, Any]]:
    """Versions as rows to be staged; those that cannot be kept are left out."""
    for row in filter(_fits, versions):
        yield {
            "public_id": new_id("tvr"),
            "name": row.name,
            "number": int(row.version),
            "created_at": stated(row.created_at_ms) or "epoch",
            "updated_at": stated(row.updated_at_ms),
            "source": kept(row.source, 1000),
            "run_id": kept(row.run_id, 64),
            "description": kept(row.description),
            "tags": kept_values(row.tags),
        }


def _model_rows(models: list[ModelRecord]) -> Iterator[dict[str, Any]]:
    for row in models:
        yield {
            "name": row.name,
            "description": kept(row.description),
            "tags": kept_values(row.tags),
            "aliases": kept_values(row.aliases),
            "updated_at": stated(row.updated_at_ms),
        }


def _run_rows(runs: Iterable[RunRecord]) -> Iterator[dict[str, Any]]:
    for row in runs:
        yield {
            "run_id": row.run_id,
            "experiment_id": row.experiment_id,
            "metrics": {kept(name): value for name, value in row.metrics.items()},
            "parameters": kept_values(row.parameters),
        }
