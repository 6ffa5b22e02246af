"""Models for the drills, logged with plain MLflow."""

from pathlib import Path

import mlflow
import pandas as pd
from mlflow import MlflowClient
from sklearn.linear_model import LogisticRegression

from hokusai.demo import data

PACKAGES = ["scikit-learn"]
SLEEPER = Path(__file__).with_name("sleeper_model.py")


def log_copies(tracking_uri: str, folder: Path, count: int) -> list[str]:
    """The addresses of one tiny model, logged by `count` runs."""
    inputs = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0]})
    model = LogisticRegression().fit(inputs, [0, 0, 1, 1])
    mlflow.sklearn.save_model(
        model, str(folder / "model"), pip_requirements=PACKAGES, input_example=inputs
    )
    client = MlflowClient(tracking_uri=tracking_uri)
    experiment = client.create_experiment("drill")
    sources = []
    for _ in range(count):
        run = client.create_run(experiment)
        client.log_artifacts(run.info.run_id, str(folder / "model"), "model")
        client.set_terminated(run.info.run_id)
        sources.append(f"runs:/{run.info.run_id}/model")
    return sources


def log_sleeper(tracking_uri: str) -> str:
    """The address of a model that takes four seconds for each call."""
    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_experiment("drill-sleeper")
    inputs = data.digits().benchmark.drop(columns=data.LABEL)
    outputs = pd.DataFrame({"prediction": [0], **{f"probability.{n}": [0.1] for n in range(10)}})
    with mlflow.start_run() as run:
        mlflow.pyfunc.log_model(
            name="model",
            python_model=str(SLEEPER),
            signature=mlflow.models.infer_signature(inputs, outputs),
            pip_requirements=PACKAGES,
        )
    return f"runs:/{run.info.run_id}/model"
