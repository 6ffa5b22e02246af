import pytest

from deployments.predictions.given import Given, patience_s
from hokusai.core.errors import InvalidInput


@pytest.mark.parametrize(
    ("stated", "policy_ms", "seconds"),
    [("", 10_000, 10.0), ("250", 10_000, 0.25), ("600000", 10_000, 10.0), ("1", 5, 0.001)],
)
def test_a_caller_may_be_more_in_a_hurry_than_the_policy_and_never_less(stated, policy_ms, seconds):
    assert patience_s(stated, policy_ms) == seconds


@pytest.mark.parametrize("stated", ["0", "-1", "1.5", "600001", "9" * 40, "soon", "١٢", " 5"])
def test_a_deadline_out_of_its_bounds_is_invalid_and_named(stated):
    with pytest.raises(InvalidInput) as caught:
        patience_s(stated, 10_000)
    assert caught.value.context == {"header": "Hokusai-Deadline-Ms"}


def test_parameters_of_a_content_type_do_not_count():
    given = Given(b"", "Application/JSON; charset=utf-8", "req", "key:k", "POST m", 0.0)
    assert given.media_type == "application/json"
