"""Reading a tracking server: everything, or what changed lately."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from hokusai.tracking import (
    ExperimentRecord,
    ModelRecord,
    Page,
    RunRecord,
    TrackingReader,
    VersionRecord,
)

RUN_IDS_PER_CALL = 500
T = TypeVar("T")
Dated = TypeVar("Dated", ModelRecord, VersionRecord)
Tell = Callable[[str], None]


@dataclass(slots=True)
class Listing:
    """What was read. `whole` says that it is all that the server holds."""

    whole: bool
    experiments: list[ExperimentRecord] = field(default_factory=list)
    models: list[ModelRecord] = field(default_factory=list)
    versions: list[VersionRecord] = field(default_factory=list)
    runs: dict[str, RunRecord] = field(default_factory=dict)

    @property
    def newest_ms(self) -> int:
        """The time of the newest change that was read; 0 where nothing was."""
        times = [row.updated_at_ms for rows in (self.models, self.versions) for row in rows]
        return max(times, default=0)


def everything(client: TrackingReader, tell: Tell) -> Listing:
    """All experiments, models and versions; complete, or an error. Raises TrackingUnavailable."""
    found = Listing(whole=True)
    found.experiments = list(_all(lambda token: client.list_experiments(page_token=token)))
    tell(f"{len(found.experiments)} experiments")
    found.models = list(_all(lambda token: client.list_models(page_token=token)))
    tell(f"{len(found.models)} models")
    found.versions = list(_all(lambda token: client.list_versions(page_token=token)))
    tell(f"{len(found.versions)} versions")
    return found


def news(client: TrackingReader, floor_ms: int, limit: int = 200) -> Listing:
    """What was updated at or after a time. Tags and aliases move no time: a sweep sees them."""
    found = Listing(whole=False)
    found.experiments = list(
        _all(lambda token: client.list_experiments(updated_after_ms=floor_ms, page_token=token))
    )
    found.models = list(
        _until(lambda token: client.list_models(page_token=token, limit=limit), floor_ms)
    )
    found.versions = list(
        _until(lambda token: client.list_versions(page_token=token, limit=limit), floor_ms)
    )
    return found


def runs_behind(
    client: TrackingReader, experiment_ids: Sequence[str], run_ids: Sequence[str]
) -> dict[str, RunRecord]:
    """Runs by id, as far as they are in these experiments. Raises TrackingUnavailable."""
    found: dict[str, RunRecord] = {}
    for start in range(0, len(run_ids), RUN_IDS_PER_CALL):
        wanted = run_ids[start : start + RUN_IDS_PER_CALL]
        page = client.list_runs(experiment_ids, run_ids=wanted, limit=len(wanted))
        found |= {run.run_id: run for run in page.items}
    return found


def _all(fetch: Callable[[str], Page[T]]) -> Iterator[T]:
    page = fetch("")
    yield from page.items
    while page.next_token:
        page = fetch(page.next_token)
        yield from page.items


def _until(fetch: Callable[[str], Page[Dated]], floor_ms: int) -> Iterator[Dated]:
    """Rows, the last updated first, down to a time."""
    for row in _all(fetch):
        if row.updated_at_ms < floor_ms:
            return
        yield row
