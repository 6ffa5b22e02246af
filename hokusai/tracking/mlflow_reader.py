"""Lists and single records of an MLflow server, read by plain REST."""

import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from hokusai.tracking.base import (
    MODELS_PER_PAGE,
    RUNS_PER_PAGE,
    VERSIONS_PER_PAGE,
    ExperimentRecord,
    MetricPoint,
    ModelRecord,
    Page,
    RunRecord,
    T,
    TrackingReader,
    TrackingRefused,
    VersionRecord,
)
from hokusai.tracking.rest import RestServer

PROMPT_TAG = "mlflow.prompt.is_prompt"
EXPERIMENTS_PER_PAGE, POINTS_PER_PAGE = 5_000, 25_000
# MLflow stores an infinite metric as the largest float.
LARGEST = sys.float_info.max


class MlflowReader(TrackingReader):
    """What is read from a real tracking server."""

    def __init__(self, rest: RestServer) -> None:
        self._rest = rest

    def list_models(
        self, *, page_token: str = "", limit: int = MODELS_PER_PAGE
    ) -> Page[ModelRecord]:
        found = self._rest.get(
            "registered-models/search",
            {
                "max_results": limit,
                "order_by": "last_updated_timestamp DESC",
                "page_token": page_token,
            },
        )
        page = _page(found, "registered_models", _model)
        return Page([row for row in page.items if not _is_prompt(row.tags)], page.next_token)

    def list_versions(
        self, *, name: str = "", page_token: str = "", limit: int = VERSIONS_PER_PAGE
    ) -> Page[VersionRecord]:
        # Without order_by: the default order is the one that is wanted.
        found = self._rest.get(
            "model-versions/search",
            {
                "filter": f"name = {quoted(name)}" if name else "",
                "max_results": limit,
                "page_token": page_token,
            },
        )
        page = _page(found, "model_versions", _version)
        return Page([row for row in page.items if not _is_prompt(row.tags)], page.next_token)

    def list_experiments(
        self, *, updated_after_ms: int = 0, page_token: str = ""
    ) -> Page[ExperimentRecord]:
        found = self._rest.send(
            "POST",
            "experiments/search",
            {
                "max_results": EXPERIMENTS_PER_PAGE,
                "view_type": "ALL",
                "order_by": ["last_update_time DESC"],
                "filter": f"last_update_time >= {updated_after_ms}" if updated_after_ms else None,
                "page_token": page_token or None,
            },
        )
        return _page(found, "experiments", _experiment)

    def list_runs(
        self,
        experiment_ids: Sequence[str],
        *,
        started_after_ms: int = 0,
        run_ids: Sequence[str] = (),
        page_token: str = "",
        limit: int = RUNS_PER_PAGE,
    ) -> Page[RunRecord]:
        if not experiment_ids:
            return Page([])
        conditions = []
        if started_after_ms:
            conditions.append(f"attributes.start_time >= {started_after_ms}")
        if run_ids:
            listed = ", ".join(quoted(run_id) for run_id in run_ids)
            conditions.append(f"attributes.run_id IN ({listed})")
        found = self._rest.send(
            "POST",
            "runs/search",
            {
                "experiment_ids": list(experiment_ids),
                "filter": " and ".join(conditions) or None,
                "run_view_type": "ALL",
                "max_results": limit,
                "order_by": ["attributes.start_time DESC"],
                "page_token": page_token or None,
            },
        )
        return _page(found, "runs", _run)

    def metric_history(self, run_id: str, metric: str) -> list[MetricPoint]:
        self.get_run(run_id)
        points: list[MetricPoint] = []
        token = ""
        while True:
            found = self._rest.get(
                "metrics/get-history",
                {
                    "run_id": run_id,
                    "metric_key": metric,
                    "max_results": POINTS_PER_PAGE,
                    "page_token": token,
                },
            )
            points += _points(found.get("metrics", []))
            token = str(found.get("next_page_token") or "")
            if not token:
                return sorted(points, key=lambda point: (point.step, point.timestamp_ms))

    def get_model(self, name: str) -> ModelRecord:
        found = self._rest.get("registered-models/get", {"name": name})
        return _model(found["registered_model"])

    def get_version(self, name: str, version: str) -> VersionRecord:
        found = self._rest.get("model-versions/get", {"name": name, "version": version})
        return _version(found["model_version"])

    def get_run(self, run_id: str) -> RunRecord:
        return _run(self._rest.get("runs/get", {"run_id": run_id})["run"])


def quoted(text: str) -> str:
    """A string in a filter. Raises TrackingRefused for one that MLflow has no way to write."""
    for quote in "'\"":
        if quote not in text:
            return f"{quote}{text}{quote}"
    raise TrackingRefused("MLflow cannot search for a name with both kinds of quotes.")


def _page(found: Mapping[str, Any], key: str, parse: Callable[[Mapping[str, Any]], T]) -> Page[T]:
    rows = [parse(row) for row in found.get(key, [])]
    return Page(rows, str(found.get("next_page_token") or ""))


def _pairs(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {str(row["key"]): str(row.get("value", "")) for row in rows}


def _is_prompt(tags: Mapping[str, str]) -> bool:
    return tags.get(PROMPT_TAG, "").lower() == "true"


def _model(row: Mapping[str, Any]) -> ModelRecord:
    return ModelRecord(
        name=str(row["name"]),
        description=str(row.get("description") or ""),
        tags=_pairs(row.get("tags", [])),
        aliases={str(a["alias"]): str(a["version"]) for a in row.get("aliases", [])},
        created_at_ms=int(row.get("creation_timestamp") or 0),
        updated_at_ms=int(row.get("last_updated_timestamp") or 0),
    )


def _version(row: Mapping[str, Any]) -> VersionRecord:
    source = str(row.get("source") or "")
    return VersionRecord(
        name=str(row["name"]),
        version=str(row["version"]),
        source=source,
        run_id=str(row.get("run_id") or ""),
        logged_model_id=str(row.get("model_id") or logged_model_id(source) or ""),
        description=str(row.get("description") or ""),
        tags=_pairs(row.get("tags", [])),
        status=str(row.get("status") or ""),
        created_at_ms=int(row.get("creation_timestamp") or 0),
        updated_at_ms=int(row.get("last_updated_timestamp") or 0),
    )


def logged_model_id(source: str) -> str | None:
    """The id in `models:/m-…`, an address of MLflow 3."""
    found = source.removeprefix("models:/")
    return found if found != source and found.startswith("m-") and "/" not in found else None


def _experiment(row: Mapping[str, Any]) -> ExperimentRecord:
    return ExperimentRecord(
        experiment_id=str(row["experiment_id"]),
        name=str(row.get("name") or ""),
        lifecycle=str(row.get("lifecycle_stage") or ""),
        tags=_pairs(row.get("tags", [])),
        created_at_ms=int(row.get("creation_time") or 0),
        updated_at_ms=int(row.get("last_update_time") or 0),
    )


def _run(row: Mapping[str, Any]) -> RunRecord:
    info, data = row["info"], row.get("data", {})
    tags = _pairs(data.get("tags", []))
    ended = int(info.get("end_time") or 0)
    return RunRecord(
        run_id=str(info["run_id"]),
        metrics=_latest(data.get("metrics", [])),
        parameters=_pairs(data.get("params", [])),
        tags=tags,
        experiment_id=str(info.get("experiment_id") or ""),
        name=str(info.get("run_name") or tags.get("mlflow.runName", "")),
        status=str(info.get("status") or ""),
        user=str(info.get("user_id") or tags.get("mlflow.user", "")),
        started_at_ms=int(info.get("start_time") or 0),
        ended_at_ms=ended or None,
        lifecycle=str(info.get("lifecycle_stage") or ""),
    )


def _latest(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    values = ((str(row["key"]), finite(row.get("value"))) for row in rows)
    return {key: value for key, value in values if value is not None}


def _points(rows: Iterable[Mapping[str, Any]]) -> list[MetricPoint]:
    points = []
    for row in rows:
        value = finite(row.get("value"))
        if value is not None:
            step, timestamp_ms = int(row.get("step") or 0), int(row.get("timestamp") or 0)
            points.append(MetricPoint(step, timestamp_ms, value))
    return points


def finite(value: object) -> float | None:
    """A metric's value as a number; None for what stands for NaN or an infinity.

    In MLflow's JSON a value is a number, or one of the strings "NaN", "Infinity", "-Infinity";
    a zero may be left out.
    """
    number = float(str(0.0 if value is None else value))
    return number if math.isfinite(number) and abs(number) < LARGEST else None
