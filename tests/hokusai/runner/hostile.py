"""Models made to harm. Each would stay harmless where nothing stops it: few, small, on loopback."""

import os
import pickle
import pydoc
import subprocess
import timeit
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from numpy.testing._private.utils import runstring
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier

from tests.hokusai.runner.artifacts import SKOPS_FLAVORS, code_model, mlmodel, table

PICKLE_FLAVORS = """
    python_function:
      loader_module: mlflow.sklearn
      model_path: model.pkl
      predict_fn: predict
    sklearn:
      code: null
      pickled_model: model.pkl
      serialization_format: pickle
"""
# What the artifact says is to be trusted.
OWN_TRUST = (
    SKOPS_FLAVORS.rstrip() + "\n      skops_trusted_types: ['posix.system', 'posix._exit']\n"
)
STOLEN_LOADER = SKOPS_FLAVORS.replace("mlflow.sklearn", "the_model").replace(
    "loader_module", "code: code\n      loader_module"
)


class Calls:
    """Becomes a call when it is unpickled."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call


def pickles(mark: Path) -> dict[str, bytes]:
    """Six ways to run something on unpickling; each would make the file `mark`."""
    command, source = f"echo harmed > {mark}", f"open({str(mark)!r}, 'w').write('harmed')"
    calls = {
        "system": Calls(os.system, command),
        "subprocess": Calls(subprocess.check_call, ["/bin/sh", "-c", command]),
        "exec": Calls(exec, source),
        "timeit": Calls(timeit.timeit, source, "pass", timeit.default_timer, 1),
        "pydoc": Calls(pydoc.pipepager, "harmed", f"cat > {mark}"),
        "numpy": Calls(runstring, source, {}),
    }
    return {name: pickle.dumps(call) for name, call in calls.items()}


def pickled(raw: bytes) -> dict[str, bytes]:
    """A scikit-learn model saved as a pickle."""
    return {"MLmodel": mlmodel(PICKLE_FLAVORS), "model.pkl": raw}


def stolen_loader(mark: Path) -> dict[str, bytes]:
    """A skops model whose MLmodel names a loader and code of its own."""
    files = code_model(f"open({str(mark)!r}, 'w').write('harmed')\ndef predict(frame):\n    pass")
    return files | {"MLmodel": mlmodel(STOLEN_LOADER), "model.skops": skops_that_calls(mark)}


def own_trust(mark: Path) -> dict[str, bytes]:
    """A skops model that calls the system, and says that this is to be trusted."""
    return {"MLmodel": mlmodel(OWN_TRUST), "model.skops": skops_that_calls(mark)}


def skops_that_calls(mark: Path) -> bytes:
    """A pipeline whose first step is `os.system`."""
    step = FunctionTransformer(os.system, kw_args={"command": f"echo harmed > {mark}"})
    return skops.io.dumps(make_pipeline(step, DecisionTreeClassifier().fit(*table())))


def astray() -> dict[str, bytes]:
    """A decision tree whose first node leads far outside of its memory."""
    fitted = DecisionTreeClassifier(max_depth=3).fit(*table())
    raw = BytesIO(skops.io.dumps(fitted))
    changed = BytesIO()
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            target.writestr(name, _led_astray(source.read(name), name))
    return {"MLmodel": mlmodel(SKOPS_FLAVORS), "model.skops": changed.getvalue()}


def _led_astray(raw: bytes, name: str) -> bytes:
    if not name.endswith(".npy"):
        return raw
    array: Any = np.load(BytesIO(raw), allow_pickle=False)
    if array.dtype.names is None or "left_child" not in array.dtype.names:
        return raw
    array["left_child"][0] = array["right_child"][0] = 1 << 40
    changed = BytesIO()
    np.save(changed, array)
    return changed.getvalue()


# Descriptors that are sockets, by what they are for; data goes to main, callers to clients.
SOCKETS = """
    import os, socket, struct
    def sockets():
        found = {"listener": [], "connected": []}
        for descriptor in range(3, 128):
            try:
                one = socket.socket(fileno=os.dup(descriptor))
                listens = one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            except OSError:
                continue
            found["listener" if listens else "connected"].append(one)
        return found
"""
