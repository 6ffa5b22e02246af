"""A classifier that takes four seconds for each answer; logged as code."""

import time
from typing import Any

import mlflow
import pandas as pd
from mlflow.models import set_model

CLASSES = 10


class Sleeper(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined, misc]
    """Says zero for every row, slowly."""

    def predict(self, context, model_input, params=None) -> Any:  # type: ignore[no-untyped-def]
        time.sleep(4)
        rows = len(model_input)
        columns = {f"probability.{label}": [1 / CLASSES] * rows for label in range(CLASSES)}
        return pd.DataFrame({"prediction": [0] * rows, **columns})


set_model(Sleeper())
