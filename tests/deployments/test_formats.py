import pytest

from deployments.formats import format_of
from registry.models import ModelVersion


@pytest.mark.parametrize(
    ("flavor", "requirements", "expected"),
    [
        ("onnx", [], "onnx"),
        ("sklearn", ["scikit-learn==1.9", "skops==0.14"], "skops"),
        ("sklearn", ["scikit-learn==1.9"], ""),
        ("lightgbm", ["skops"], "pyfunc"),
        ("python_function", [], "pyfunc"),
        ("", [], ""),
    ],
)
def test_the_format_is_named_where_the_row_tells(flavor, requirements, expected):
    assert format_of(ModelVersion(flavor=flavor, requirements=requirements)) == expected
