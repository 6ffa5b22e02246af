"""Whatever foreign code raises becomes an error of ours that shows no row."""

import pytest

from hokusai.runner.errors import InvalidInput, ModelOutOfMemory, ModelRaised
from hokusai.runner.foreign import MAX_MESSAGE, ForeignCode


class Unprintable(Exception):
    """An exception whose text cannot be had."""

    def __str__(self) -> str:
        raise ValueError("no text")


@pytest.mark.parametrize(
    "raised", [ValueError("x"), SystemExit(1), RecursionError(), Unprintable()]
)
def test_anything_raised_is_named(raised: BaseException) -> None:
    with pytest.raises(ModelRaised) as caught, ForeignCode("predict"):
        raise raised
    assert caught.value.context == {"exception": type(raised).__name__, "phase": "predict"}


def test_values_are_cut_out_when_predicting_and_kept_when_loading() -> None:
    text = "column 'income' was 51234.5 at row 7"
    with pytest.raises(ModelRaised) as predicting, ForeignCode("predict"):
        raise ValueError(text)
    assert predicting.value.message.endswith("column … was … at row …")
    with pytest.raises(ModelRaised) as loading, ForeignCode("load"):
        raise ValueError(text)
    assert text in loading.value.message


def test_a_long_message_is_cut() -> None:
    with pytest.raises(ModelRaised) as caught, ForeignCode("load"):
        raise ValueError("x" * 10_000)
    assert len(caught.value.message) < MAX_MESSAGE + 100


def test_no_memory_is_out_of_memory() -> None:
    with pytest.raises(ModelOutOfMemory), ForeignCode("predict"):
        raise MemoryError


def test_our_own_errors_pass_unchanged() -> None:
    error = InvalidInput("no", row=1)
    with pytest.raises(InvalidInput) as caught, ForeignCode("predict"):
        raise error
    assert caught.value is error
