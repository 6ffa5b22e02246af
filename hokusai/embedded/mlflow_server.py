"""MLflow's tracking server as a child: metadata in PostgreSQL, artifacts in the data folder."""

import http.client

from hokusai.embedded.folder import PRIVATE_FOLDER, DataFolder
from hokusai.embedded.ports import LOOPBACK
from hokusai.embedded.programs import Program, minimal_environment, python_module

NAME = "mlflow"


class Mlflow:
    """One tracking server; ready after about 12 s."""

    name = NAME
    title = "MLflow"

    def __init__(self, folder: DataFolder, port: int, *, backend_url: str) -> None:
        """Name the port to listen on and the database, as an SQLAlchemy URL."""
        self.port = port
        self._folder = folder
        self._backend_url = backend_url
        self._artifacts = folder.root / "mlflow"

    @property
    def mlflow_url(self) -> str:
        """Return the tracking URI."""
        return f"http://{LOOPBACK}:{self.port}"

    def program(self) -> Program:
        """Return how the server is run; the database's password is in its environment, not on its
        command line.

        Its own job runner stays off: it would add eight processes and 2 GiB (mlflow #19850).
        """
        environment = {
            **minimal_environment(self._folder.root / "home"),
            "MLFLOW_BACKEND_STORE_URI": self._backend_url,
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
        }
        command = python_module(
            "mlflow",
            "server",
            f"--host={LOOPBACK}",
            f"--port={self.port}",
            "--workers=1",
            "--serve-artifacts",
            f"--artifacts-destination={self._artifacts.as_uri()}",
        )
        return Program(
            name=self.name,
            command=command,
            environment=environment,
            is_ready=self._answers,
            prepare=self._prepare,
            ready_within_s=120.0,
            cwd=self._folder.root / "home",
        )

    def after_ready(self) -> None:
        """Nothing is to be made inside MLflow."""

    def _prepare(self) -> None:
        self._artifacts.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)

    def _answers(self) -> bool:
        return answers_http(self.port, "/health")


def answers_http(port: int, path: str) -> bool:
    """Say whether a loopback server answers a GET with a status below 500."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return status < http.client.INTERNAL_SERVER_ERROR
