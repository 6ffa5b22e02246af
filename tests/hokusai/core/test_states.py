import pytest

from hokusai.core.choices import WorkStatus
from hokusai.core.errors import InvalidTransition
from hokusai.core.states import moved


def test_a_successor_is_taken() -> None:
    assert moved(WorkStatus.QUEUED, WorkStatus.RUNNING, "job") == WorkStatus.RUNNING


def test_what_is_no_successor_is_refused_with_both_states() -> None:
    with pytest.raises(InvalidTransition, match="job is in state succeeded") as caught:
        moved(WorkStatus.SUCCEEDED, WorkStatus.RUNNING, "job")
    assert caught.value.context == {"current": "succeeded", "target": "running"}
