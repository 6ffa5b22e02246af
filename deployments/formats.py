"""How a version will be loaded, as far as its row tells; the runner decides by its bytes."""

from registry.models import ModelVersion

ONNX, SKOPS, PYFUNC = "onnx", "skops", "pyfunc"
# What the row of a version names without saying how the runner loads it.
OPEN_FLAVORS = frozenset({"", "sklearn"})


def format_of(version: ModelVersion) -> str:
    """onnx, skops or pyfunc; empty where only its files tell."""
    if version.flavor == ONNX:
        return ONNX
    if version.flavor not in OPEN_FLAVORS:
        return PYFUNC
    names = {str(line).partition("=")[0].strip(" <>~!").lower() for line in version.requirements}
    return SKOPS if version.flavor == "sklearn" and SKOPS in names else ""
