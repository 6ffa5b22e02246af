import pytest

from hokusai.demo.client import StoryFailed
from hokusai.demo.telling import Teller


def test_steps_are_counted_and_what_holds_is_told() -> None:
    lines: list[str] = []
    teller = Teller(lines.append, steps=2)
    with teller.step("First"):
        teller.holds(True, "it holds")
    assert lines[0] == "[1/2] First"
    assert "✓ it holds" in lines[1]
    assert "done in" in lines[2]


def test_what_does_not_hold_ends_the_story() -> None:
    teller = Teller(lambda line: None, steps=1)
    with pytest.raises(StoryFailed, match="the shares sum"), teller.step("Shares"):
        teller.holds(False, "the shares sum to 10,000")
