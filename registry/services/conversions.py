from registry.choices import ConversionVerdict
from registry.models import ModelVersion, OnnxConversion


def exact_onnx(version: ModelVersion) -> str:
    """Tree digest of the ONNX that answers as a version does; empty where there is none."""
    found = OnnxConversion.objects.filter(version=version, verdict=ConversionVerdict.EXACT)
    return found.values_list("tree_digest", flat=True).first() or ""
