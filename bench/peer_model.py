"""Run in the peers' environment: train the model that both sides serve.

python bench/peer_model.py FOLDER
"""

import json
import sys
from pathlib import Path

import mlflow.sklearn
from mlflow.models import infer_signature
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def main(folder: Path) -> None:
    """Save a logistic regression on 64 columns, and one row to ask it about."""
    frame, labels = load_digits(return_X_y=True, as_frame=True)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(frame, labels)
    mlflow.sklearn.save_model(
        model,
        str(folder / "model"),
        signature=infer_signature(frame, model.predict(frame)),
        pip_requirements=[],
    )
    row = {name: float(value) for name, value in frame.iloc[0].items()}
    expected = int(model.predict(frame.iloc[:1])[0])
    (folder / "row.json").write_text(json.dumps({"row": row, "prediction": expected}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
