"""The MLflow tracking server, through MLflow's own client with its retries switched off.

Imported by workers only: MLflow takes seconds to load, and no web request waits for it.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

# A repeated create makes a second version; the outbox repeats after looking (never the client).
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

from mlflow import MlflowClient, artifacts
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException, RestException
from requests.exceptions import HTTPError, RequestException

from hokusai.tracking.base import (
    OPERATION_TAG,
    RegisteredVersion,
    TrackingClient,
    TrackingNotFound,
    TrackingRefused,
    TrackingUnavailable,
    VersionPush,
)
from hokusai.tracking.mlflow_reader import MlflowReader, logged_model_id
from hokusai.tracking.rest import MESSAGE_LENGTH, SERVER_ERROR, RestServer, refusal

_EXISTS = "RESOURCE_ALREADY_EXISTS"
UPLOADS, FILES = "hokusai", "model"


class MlflowTracking(MlflowReader, TrackingClient):
    """A real tracking server."""

    def __init__(self, *, uri: str, timeout_s: float) -> None:
        super().__init__(RestServer(uri, timeout_s))
        self.uri = uri
        os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = str(max(1, int(timeout_s)))
        self._client = MlflowClient(tracking_uri=uri, registry_uri=uri)

    def ensure_model(self, name: str, tags: Mapping[str, str]) -> None:
        with _translated():
            try:
                self._client.create_registered_model(name, tags=dict(tags))
            except RestException as error:
                if error.error_code != _EXISTS:
                    raise
                for key, value in tags.items():
                    self._client.set_registered_model_tag(name, key, value)

    def find_versions(self, name: str, operation_id: str) -> list[RegisteredVersion]:
        query = f"name='{name}' and tags.`{OPERATION_TAG}`='{operation_id}'"
        with _translated():
            found = [_version(row) for row in self._client.search_model_versions(query)]
        return sorted(found, key=lambda row: int(row.version))

    def create_version(self, push: VersionPush) -> RegisteredVersion:
        with _translated():
            row = self._client.create_model_version(
                push.name,
                push.source,
                run_id=push.run_id or None,
                model_id=logged_model_id(push.source),
                tags={**push.tags, OPERATION_TAG: push.operation_id},
                description=push.description,
                await_creation_for=0,
            )
        return _version(row)

    def set_version_tags(self, name: str, version: str, tags: Mapping[str, str]) -> None:
        with _translated():
            for key, value in tags.items():
                self._client.set_model_version_tag(name, version, key, value)

    def set_alias(self, name: str, alias: str, version: str) -> None:
        with _translated():
            self._client.set_registered_model_alias(name, alias, version)

    def delete_alias(self, name: str, alias: str) -> None:
        with _translated():
            self._client.delete_registered_model_alias(name, alias)

    def delete_version_tag(self, name: str, version: str, key: str) -> None:
        self._rest.send(
            "DELETE", "model-versions/delete-tag", {"name": name, "version": version, "key": key}
        )

    def set_description(self, name: str, version: str, text: str) -> None:
        self._rest.send(
            "PATCH",
            "model-versions/update",
            {"name": name, "version": version, "description": text},
        )

    def describe_model(self, name: str, text: str) -> None:
        self._rest.send("PATCH", "registered-models/update", {"name": name, "description": text})

    def log_files(self, operation_id: str, folder: Path) -> tuple[str, str]:
        with _translated():
            experiment_id = self._uploads()
            found = self._client.search_runs(
                [experiment_id], f"tags.`{OPERATION_TAG}` = '{operation_id}'", max_results=1
            )
            tags = {OPERATION_TAG: operation_id}
            run = found[0] if found else self._client.create_run(experiment_id, tags=tags)
            self._client.log_artifacts(run.info.run_id, str(folder), FILES)
            self._client.set_terminated(run.info.run_id)
        return f"{run.info.artifact_uri}/{FILES}", run.info.run_id

    def _uploads(self) -> str:
        """The experiment of what the platform itself logs."""
        found = self._client.get_experiment_by_name(UPLOADS)
        if found is None:
            return str(self._client.create_experiment(UPLOADS))
        return str(found.experiment_id)

    def resolve_source(self, source: str) -> tuple[str, str]:
        with _translated():
            if source.startswith("runs:/"):
                run_id, _, path = source.removeprefix("runs:/").partition("/")
                return self._of_run(run_id, path), run_id
            if source.startswith("models:/m-"):
                logged = self._client.get_logged_model(source.removeprefix("models:/"))
                return source, logged.source_run_id or ""
            name, _, version = source.removeprefix("models:/").rpartition("/")
            row = self._client.get_model_version(name, version)
            return row.source or "", row.run_id or ""

    def _of_run(self, run_id: str, path: str) -> str:
        """MLflow 3 keeps a model that a run logged under an id of its own."""
        run = self._client.get_run(run_id)
        logged = self._client.search_logged_models(
            experiment_ids=[run.info.experiment_id],
            filter_string=f"source_run_id='{run_id}' AND name='{path}'",
            max_results=1,
        )
        return f"models:/{logged[0].model_id}" if logged else f"{run.info.artifact_uri}/{path}"

    def download(self, source: str, target: Path) -> Path:
        with _translated():
            return Path(
                artifacts.download_artifacts(
                    artifact_uri=self._location(source),
                    dst_path=str(target),
                    tracking_uri=self.uri,
                )
            )

    def _location(self, source: str) -> str:
        """Where the files lie: MLflow looks models up on whatever server its process last named."""
        if source.startswith("runs:/"):
            source, _ = self.resolve_source(source)
        if model_id := logged_model_id(source):
            return str(self._client.get_logged_model(model_id).artifact_location)
        return source


def _version(row: ModelVersion) -> RegisteredVersion:
    return RegisteredVersion(
        name=row.name,
        version=str(row.version),
        source=row.source or "",
        run_id=row.run_id or "",
        tags=dict(row.tags),
    )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except RestException as error:
        raise _of_answer(error) from error
    except MlflowException as error:
        raise _of_client(error) from error
    except HTTPError as error:
        status = error.response.status_code if error.response is not None else SERVER_ERROR
        raise refusal(status, _first_line(error)) from error
    except (RequestException, ConnectionError, TimeoutError) as error:
        raise TrackingUnavailable("The tracking server does not answer.") from error
    except OSError as error:
        raise TrackingNotFound(_first_line(error)) from error


def _of_answer(error: RestException) -> Exception:
    return refusal(int(error.get_http_status_code()), _first_line(error), error.error_code)


def _of_client(error: MlflowException) -> Exception:
    """What MLflow's client says without an answer of the server's own."""
    message = str(error)
    if found := re.search(r"failed with error code (\d{3})", message):
        return refusal(int(found[1]), _first_line(error))
    if "failures occurred while downloading" in message:
        if "404 Client Error" in message:
            return TrackingNotFound("The tracking server lacks some of the files.")
        return TrackingUnavailable("Files could not be fetched from the tracking server.")
    if "failed with exception" in message or "timed out" in message:
        return TrackingUnavailable("The tracking server does not answer.")
    return TrackingRefused(_first_line(error))


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:MESSAGE_LENGTH] if str(error) else type(error).__name__
