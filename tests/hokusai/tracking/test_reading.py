"""What every tracking client must hold to when it reads: the memory twin, and MLflow's server."""

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from mlflow import MlflowClient

from hokusai.tracking import (
    ExperimentRecord,
    ModelRecord,
    Page,
    RunRecord,
    TrackingClient,
    TrackingNotFound,
    VersionRecord,
)
from hokusai.tracking.memory import MemoryTracking
from hokusai.tracking.mlflow import MlflowTracking

SOURCE = "s3://bucket/model"


@dataclass
class Engineer:
    """Somebody who works on the server without the platform, and the platform's client of it."""

    client: TrackingClient
    plain: MlflowClient | None
    twin: MemoryTracking | None

    def make_experiment(self, name: str) -> str:
        if self.plain:
            return str(self.plain.create_experiment(name, tags={"team": "risk"}))
        assert self.twin
        return self.twin.server.make_experiment(name, {"team": "risk"})

    def delete_experiment(self, experiment_id: str) -> None:
        if self.plain:
            self.plain.delete_experiment(experiment_id)
        elif self.twin:
            self.twin.server.delete_experiment(experiment_id)

    def start_run(self, experiment_id: str) -> str:
        if self.plain:
            run = self.plain.create_run(
                experiment_id, run_name="first try", tags={"mlflow.user": "ann"}
            )
            self.plain.log_param(run.info.run_id, "C", "0.5")
            return str(run.info.run_id)
        assert self.twin
        return self.twin.server.log_run(
            experiment_id,
            status="RUNNING",
            parameters={"C": "0.5"},
            name="first try",
            user="ann",
            tags={"mlflow.user": "ann", "mlflow.runName": "first try"},
        )

    def finish(self, run_id: str) -> None:
        if self.plain:
            self.plain.set_terminated(run_id)
        elif self.twin:
            self.twin.server.change_run(
                run_id, status="FINISHED", ended_at_ms=self.twin.server.now_ms()
            )

    def log_metric(self, run_id: str, name: str, value: float, step: int) -> None:
        if self.plain:
            self.plain.log_metric(run_id, name, value, step=step)
        elif self.twin:
            self.twin.server.log_metric(run_id, name, value, step)

    def register(self, name: str) -> VersionRecord:
        """As `mlflow.register_model` of a foreign place does it."""
        if self.plain:
            if not self.plain.search_registered_models(f"name = '{name}'"):
                self.plain.create_registered_model(name)
            made = self.plain.create_model_version(name, SOURCE, await_creation_for=0)
            return self.client.get_version(name, made.version)
        assert self.twin
        return self.twin.server.register(name, SOURCE)

    def make_prompt(self, name: str) -> None:
        if self.plain:
            self.plain.register_prompt(name, "Say {{word}}")
        elif self.twin:
            tags = {"mlflow.prompt.is_prompt": "true"}
            self.twin.server.register(name, "prompt", tags=tags)
            self.twin.server.make_model(name, tags)

    def delete_version(self, name: str, version: str) -> None:
        if self.plain:
            self.plain.delete_model_version(name, version)
        elif self.twin:
            self.twin.server.delete_version(name, version)

    def delete_model(self, name: str) -> None:
        if self.plain:
            self.plain.delete_registered_model(name)
        elif self.twin:
            self.twin.server.delete_model(name)

    def rename_model(self, name: str, new_name: str) -> None:
        if self.plain:
            self.plain.rename_registered_model(name, new_name)
        elif self.twin:
            self.twin.server.rename_model(name, new_name)


@pytest.fixture(params=["memory", "mlflow"])
def engineer(request: pytest.FixtureRequest) -> Engineer:
    if request.param == "memory":
        twin = MemoryTracking()
        return Engineer(twin, None, twin)
    url = request.getfixturevalue("mlflow_url")
    return Engineer(MlflowTracking(uri=url, timeout_s=30), MlflowClient(url), None)


@pytest.fixture
def name() -> str:
    return f"theirs-{secrets.token_hex(4)}"


@pytest.fixture
def experiment(engineer: Engineer, name: str) -> str:
    return engineer.make_experiment(name)


def everything(read: Callable[[str], Page]) -> Iterator:  # type: ignore[type-arg]
    """All rows of a list, page by page."""
    token = ""
    while True:
        page = read(token)
        yield from page.items
        token = page.next_token
        if not token:
            return


def models(engineer: Engineer, limit: int = 1_000) -> list[ModelRecord]:
    return list(
        everything(lambda token: engineer.client.list_models(page_token=token, limit=limit))
    )


def versions(engineer: Engineer, name: str = "", limit: int = 1_000) -> list[VersionRecord]:
    return list(
        everything(
            lambda token: engineer.client.list_versions(name=name, page_token=token, limit=limit)
        )
    )


def runs(engineer: Engineer, experiment: str, **arguments: object) -> list[RunRecord]:
    return list(
        everything(
            lambda token: engineer.client.list_runs(
                [experiment],
                page_token=token,
                **arguments,  # type: ignore[arg-type]
            )
        )
    )


def test_a_foreign_version_is_read_with_its_times(engineer: Engineer, name: str) -> None:
    before_ms = time.time_ns() // 1_000_000
    engineer.register(name)
    found = engineer.client.get_version(name, "1")
    assert (found.name, found.version, found.source, found.run_id) == (name, "1", SOURCE, "")
    assert (found.logged_model_id, found.description, found.tags) == ("", "", {})
    assert found.status == "READY"
    assert before_ms - 1_000 <= found.created_at_ms <= before_ms + 60_000
    assert found.updated_at_ms == found.created_at_ms
    assert versions(engineer, name) == [found]


def test_versions_come_last_updated_first_and_in_pages(engineer: Engineer, name: str) -> None:
    for _ in range(5):
        engineer.register(name)
        time.sleep(0.002)
    engineer.client.set_description(name, "2", "better")
    assert [row.version for row in versions(engineer, name, limit=2)] == ["2", "5", "4", "3", "1"]


def test_all_models_versions_are_listed_together(engineer: Engineer, name: str) -> None:
    for model in (name, f"{name}-b"):
        engineer.register(model)
    found = {row.name for row in versions(engineer, limit=10_000)}
    assert {name, f"{name}-b"} <= found


@pytest.mark.parametrize("wanted", ["absent", "it's", 'say "x"'])
def test_versions_of_an_unknown_model_are_none(engineer: Engineer, wanted: str) -> None:
    assert versions(engineer, wanted) == []


def test_a_model_is_read_with_tags_and_aliases(engineer: Engineer, name: str) -> None:
    engineer.client.ensure_model(name, {"team": "risk"})
    engineer.register(name)
    engineer.client.set_alias(name, "champion", "1")
    found = engineer.client.get_model(name)
    assert (found.name, found.tags, found.aliases) == (name, {"team": "risk"}, {"champion": "1"})
    assert found in models(engineer)


def test_models_come_last_updated_first_and_in_pages(engineer: Engineer, name: str) -> None:
    for suffix in ("a", "b", "c"):
        engineer.register(f"{name}-{suffix}")
        time.sleep(0.002)
    engineer.register(f"{name}-a")
    mine = [row.name for row in models(engineer, limit=2) if row.name.startswith(name)]
    assert mine == [f"{name}-a", f"{name}-c", f"{name}-b"]


def test_prompts_are_no_models(engineer: Engineer, name: str) -> None:
    engineer.make_prompt(f"{name}-prompt")
    engineer.register(name)
    assert [row.name for row in models(engineer) if row.name.startswith(name)] == [name]
    assert [row.name for row in versions(engineer) if row.name.startswith(name)] == [name]


def test_tags_and_aliases_move_no_time(engineer: Engineer, name: str) -> None:
    engineer.register(name)
    before = (engineer.client.get_model(name), engineer.client.get_version(name, "1"))
    engineer.client.set_version_tags(name, "1", {"a": "b"})
    engineer.client.set_alias(name, "champion", "1")
    after = (engineer.client.get_model(name), engineer.client.get_version(name, "1"))
    assert [row.updated_at_ms for row in after] == [row.updated_at_ms for row in before]


def test_a_description_is_set_and_moves_the_versions_time(engineer: Engineer, name: str) -> None:
    made = engineer.register(name)
    time.sleep(0.002)
    engineer.client.set_description(name, "1", "Größer, 更好")
    found = engineer.client.get_version(name, "1")
    assert found.description == "Größer, 更好"
    assert found.updated_at_ms > made.updated_at_ms


def test_a_tag_is_removed_twice_and_others_stay(engineer: Engineer, name: str) -> None:
    engineer.register(name)
    engineer.client.set_version_tags(name, "1", {"a": "b", "c": "d"})
    engineer.client.delete_version_tag(name, "1", "a")
    engineer.client.delete_version_tag(name, "1", "a")
    assert engineer.client.get_version(name, "1").tags == {"c": "d"}


def test_a_deleted_version_takes_its_aliases_and_its_number_with_it(
    engineer: Engineer, name: str
) -> None:
    engineer.register(name)
    engineer.register(name)
    engineer.client.set_alias(name, "champion", "2")
    engineer.delete_version(name, "2")
    assert engineer.client.get_model(name).aliases == {}
    assert engineer.register(name).version == "3"
    assert [row.version for row in versions(engineer, name)] == ["3", "1"]


def test_a_model_made_again_counts_from_one(engineer: Engineer, name: str) -> None:
    first = engineer.register(name)
    time.sleep(0.002)
    engineer.delete_model(name)
    again = engineer.register(name)
    assert again.version == "1"
    assert again.created_at_ms > first.created_at_ms


def test_a_renamed_model_takes_its_versions_along(engineer: Engineer, name: str) -> None:
    engineer.register(name)
    engineer.rename_model(name, f"{name}-new")
    assert versions(engineer, name) == []
    assert [row.version for row in versions(engineer, f"{name}-new")] == ["1"]


def test_what_is_not_there_is_not_found(engineer: Engineer, name: str) -> None:
    for call in (
        lambda: engineer.client.get_model(name),
        lambda: engineer.client.get_version(name, "1"),
        lambda: engineer.client.metric_history("0" * 32, "loss"),
        lambda: engineer.client.set_description(name, "1", "x"),
        lambda: engineer.client.delete_version_tag(name, "1", "x"),
    ):
        with pytest.raises(TrackingNotFound):
            call()


def found_experiment(engineer: Engineer, experiment: str, after_ms: int = 0) -> ExperimentRecord:
    (found,) = (
        row
        for row in everything(
            lambda token: engineer.client.list_experiments(
                updated_after_ms=after_ms, page_token=token
            )
        )
        if row.experiment_id == experiment
    )
    return found


def test_experiments_are_listed_with_their_tags(
    engineer: Engineer, experiment: str, name: str
) -> None:
    found = found_experiment(engineer, experiment)
    assert (found.name, found.lifecycle, found.tags["team"]) == (name, "active", "risk")
    assert found.created_at_ms == found.updated_at_ms > 0


def test_experiments_are_listed_from_a_time_of_change_on(
    engineer: Engineer, experiment: str
) -> None:
    changed_ms = found_experiment(engineer, experiment).updated_at_ms
    assert found_experiment(engineer, experiment, changed_ms).experiment_id == experiment
    later = engineer.client.list_experiments(updated_after_ms=changed_ms + 1)
    assert experiment not in [row.experiment_id for row in later.items]


def test_deleted_experiments_and_their_runs_are_listed_as_such(
    engineer: Engineer, experiment: str
) -> None:
    engineer.start_run(experiment)
    engineer.delete_experiment(experiment)
    assert found_experiment(engineer, experiment).lifecycle == "deleted"
    assert [row.lifecycle for row in runs(engineer, experiment)] == ["deleted"]


def test_a_run_is_listed_while_it_goes_and_when_it_has_ended(
    engineer: Engineer, experiment: str
) -> None:
    run_id = engineer.start_run(experiment)
    (going,) = runs(engineer, experiment)
    assert (going.run_id, going.experiment_id, going.name) == (run_id, experiment, "first try")
    assert (going.status, going.user, going.ended_at_ms) == ("RUNNING", "ann", None)
    assert going.parameters == {"C": "0.5"}
    engineer.finish(run_id)
    (ended,) = runs(engineer, experiment)
    assert ended.status == "FINISHED"
    assert ended.ended_at_ms is not None
    assert ended.ended_at_ms >= ended.started_at_ms > 0
    assert engineer.client.get_run(run_id) == ended


def test_runs_come_latest_first_in_pages_and_from_a_time_on(
    engineer: Engineer, experiment: str
) -> None:
    made = []
    for _ in range(5):
        made.append(engineer.start_run(experiment))
        time.sleep(0.002)
    found = runs(engineer, experiment, limit=2)
    assert [row.run_id for row in found] == made[::-1]
    since = runs(engineer, experiment, started_after_ms=found[2].started_at_ms)
    assert [row.run_id for row in since] == made[:1:-1]


def test_chosen_runs_are_listed(engineer: Engineer, experiment: str) -> None:
    made = [engineer.start_run(experiment) for _ in range(4)]
    found = runs(engineer, experiment, run_ids=[made[0], made[2], "0" * 32])
    assert {row.run_id for row in found} == {made[0], made[2]}


def test_no_experiments_have_no_runs(engineer: Engineer, experiment: str) -> None:
    engineer.start_run(experiment)
    assert engineer.client.list_runs([]) == Page([])


def test_the_latest_finite_metrics_are_a_runs(engineer: Engineer, experiment: str) -> None:
    run_id = engineer.start_run(experiment)
    for step, value in enumerate((0.5, 0.25)):
        engineer.log_metric(run_id, "loss", value, step)
    engineer.log_metric(run_id, "zero", 0.0, 0)
    for name, value in (("nan", float("nan")), ("up", float("inf")), ("down", float("-inf"))):
        engineer.log_metric(run_id, name, value, 0)
    assert engineer.client.get_run(run_id).metrics == {"loss": 0.25, "zero": 0.0}
    assert runs(engineer, experiment)[0].metrics == {"loss": 0.25, "zero": 0.0}


def test_a_history_is_read_by_step_without_what_is_not_finite(
    engineer: Engineer, experiment: str
) -> None:
    run_id = engineer.start_run(experiment)
    for step, value in ((2, 0.1), (0, 0.5), (1, float("nan")), (3, float("inf"))):
        engineer.log_metric(run_id, "loss", value, step)
    found = engineer.client.metric_history(run_id, "loss")
    assert [(point.step, point.value) for point in found] == [(0, 0.5), (2, 0.1)]
    assert all(point.timestamp_ms > 0 for point in found)
    assert engineer.client.metric_history(run_id, "absent") == []
