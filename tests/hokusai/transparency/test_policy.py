from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from hokusai.transparency import policy
from hokusai.transparency.algorithms.notes import COSIGNATURE, NoteKey
from hokusai.transparency.apps import check_policy

KEY = str(NoteKey("witness.example/w1", bytes(32), COSIGNATURE))
WITNESS = {"url": "https://witness.example", "key": KEY}


def test_the_log_is_named_after_instance_and_environment_unless_stated(settings: Any) -> None:
    settings.INSTANCE_NAME, settings.ENVIRONMENT_NAME = "tides", "production"
    assert policy.log_origin() == "tides/production/log"
    settings.LOG_ORIGIN = "log.example/tides"
    assert policy.log_origin() == "log.example/tides"


def test_witnesses_are_read_from_the_settings(settings: Any) -> None:
    settings.WITNESSES, settings.WITNESS_THRESHOLD = [WITNESS], 1
    (witness,) = policy.witnesses()
    assert (witness.name, witness.url) == ("witness.example/w1", WITNESS["url"])
    assert policy.threshold() == 1
    assert check_policy() == []


@pytest.mark.parametrize(
    ("stated", "threshold", "origin"),
    [
        (["https://witness.example"], 0, ""),
        ([{"url": "https://witness.example"}], 0, ""),
        ([{**WITNESS, "key": "nonsense"}], 0, ""),
        ([{**WITNESS, "key": str(NoteKey("a", bytes(32)))}], 0, ""),
        ([{**WITNESS, "url": "ftp://witness.example"}], 0, ""),
        ([WITNESS, WITNESS], 0, ""),
        ([WITNESS], 2, ""),
        ([WITNESS], -1, ""),
        ([], 0, "two words"),
    ],
)
def test_settings_that_cannot_be_meant_stop_the_start(
    settings: Any, stated: list[Any], threshold: int, origin: str
) -> None:
    settings.WITNESSES, settings.WITNESS_THRESHOLD = stated, threshold
    settings.LOG_ORIGIN = origin
    with pytest.raises((ImproperlyConfigured, ValueError)):
        policy.check()
    assert [found.id for found in check_policy()] == ["transparency.E001"]
