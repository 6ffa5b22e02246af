"""scikit-learn models saved by skops. The list of trusted types is ours, never the artifact's."""

from pathlib import Path
from typing import Any, Final

import sklearn
import skops.io
from skops.io.exceptions import UntrustedTypesFoundException

from hokusai.runner.errors import FormatRefused
from hokusai.runner.loaders.estimator import EstimatorModel
from hokusai.runner.mlmodel import ModelFile

TRUSTED: Final = (
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn._loss.link.Interval",
    "sklearn._loss.link.IdentityLink",
    "sklearn._loss.link.LogLink",
    "sklearn._loss.link.LogitLink",
    "sklearn._loss.link.MultinomialLogit",
    "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn._loss.loss.HalfMultinomialLoss",
    "sklearn._loss.loss.HalfSquaredError",
    "sklearn._loss._loss.CyHalfBinomialLoss",
    "sklearn._loss._loss.CyHalfMultinomialLoss",
    "sklearn._loss._loss.CyHalfSquaredError",
    "sklearn.gaussian_process.kernels.RBF",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.neighbors._kd_tree.KDTree",
)


def load_model(root: Path, described: ModelFile) -> EstimatorModel:
    """The estimator, ready to answer; raises as `load_estimator` does."""
    return EstimatorModel(load_estimator(root, described), described)


def load_estimator(root: Path, described: ModelFile) -> Any:
    """The estimator as it was fitted.

    Raises FormatRefused where the file names a type we do not trust.
    """
    # Inputs are checked by our reader; sklearn need not check them again.
    sklearn.set_config(assume_finite=True, skip_parameter_validation=True)
    try:
        return skops.io.load(root / described.data_path, trusted=list(TRUSTED))
    except UntrustedTypesFoundException as error:
        raise FormatRefused(
            "The skops file holds types that are not trusted here.",
            format="skops",
            reason=str(error)[:300],
        ) from error
