"""A real model, logged by plain MLflow as an engineer would."""

from dataclasses import dataclass

import mlflow
from sklearn.linear_model import LogisticRegression

from hokusai.tracking.mlflow import MlflowTracking

PARAMETERS = {"C": "0.5"}


@dataclass(frozen=True)
class LoggedModel:
    """What plain MLflow logged: the run, and the model under the name `model`."""

    uri: str
    run_id: str
    accuracy: float
    logged_id: str

    @property
    def source(self) -> str:
        return f"runs:/{self.run_id}/model"

    def client(self) -> MlflowTracking:
        return MlflowTracking(uri=self.uri, timeout_s=30)


def log_model(uri: str) -> LoggedModel:
    """Fit a small classifier and log it."""
    rows, labels = [[0.0, 1.0], [1.0, 0.0], [0.2, 0.9], [0.8, 0.1]], [0, 1, 0, 1]
    model = LogisticRegression(C=0.5).fit(rows, labels)
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("contract")
    with mlflow.start_run() as run:
        mlflow.log_params(PARAMETERS)
        mlflow.log_metric("accuracy", model.score(rows, labels))
        info = mlflow.sklearn.log_model(
            model, name="model", input_example=None, pip_requirements=["scikit-learn"]
        )
    return LoggedModel(uri, run.info.run_id, model.score(rows, labels), info.model_id)
