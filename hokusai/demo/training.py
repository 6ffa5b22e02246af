"""What an engineer does at home: train with scikit-learn, log with plain MLflow."""

import logging
import os
from dataclasses import dataclass
from importlib.metadata import version

import mlflow
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hokusai.demo.data import LABEL

SEED = 7
PARAMETERS = {"C": 1.0, "max_iter": 2000, "random_state": SEED}


@dataclass(frozen=True, slots=True)
class Logged:
    """A run on the tracking server and the address of its model."""

    run_id: str
    source: str


def train_and_log(*, tracking_uri: str, experiment: str, name: str, table: pd.DataFrame) -> Logged:
    """Fit one logistic regression and log it: same code, parameters and seed for every table."""
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_experiment(experiment)
    inputs, labels = table.drop(columns=LABEL), table[LABEL]
    model = make_pipeline(StandardScaler(), LogisticRegression(**PARAMETERS)).fit(inputs, labels)
    with mlflow.start_run(run_name=name) as run:
        mlflow.log_params(PARAMETERS)
        mlflow.log_metrics(
            {"train_rows": len(table), "train_accuracy": float(model.score(inputs, labels))}
        )
        mlflow.sklearn.log_model(
            model,
            name="model",
            input_example=inputs.head(2),
            signature=mlflow.models.infer_signature(inputs, model.predict(inputs)),
            pip_requirements=[f"{name}=={version(name)}" for name in ("scikit-learn", "skops")],
        )
    return Logged(run_id=run.info.run_id, source=f"runs:/{run.info.run_id}/model")
