"""What libraries find out at their first use, found out before children are forked."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data


def warm() -> None:
    """Let scikit-learn look for plugins of data frame libraries: it reads every package's metadata.

    That takes a child tens of milliseconds at its first prediction. Nothing is computed here.
    """
    validate_data(BaseEstimator(), np.zeros((1, 1)), ensure_all_finite=False)
