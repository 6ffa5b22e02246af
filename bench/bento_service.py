"""Run in BentoML's environment: the same model files, served by BentoML on numpy arrays.

BENCH_MODEL=FOLDER bentoml serve bench.bento_service:Digits
"""

import os
from pathlib import Path

import bentoml
import numpy as np
import skops.io


@bentoml.service(workers=1)
class Digits:
    """One scikit-learn pipeline; rows in, labels out."""

    def __init__(self) -> None:
        self.model = skops.io.load(Path(os.environ["BENCH_MODEL"]) / "model.skops", trusted=[])

    @bentoml.api
    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Labels of (n, 64) rows."""
        found: np.ndarray = self.model.predict(rows)
        return found
