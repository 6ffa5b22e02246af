import pytest
from django.conf import settings

from hokusai.core import subscribers


def test_every_listed_subscriber_can_be_loaded_and_hears_of_something() -> None:
    subscribers._all.cache_clear()
    for path in settings.EVENT_SUBSCRIBERS:
        assert subscribers.subscriber(path).tags


def test_a_tag_finds_its_subscribers_in_the_order_of_the_settings() -> None:
    found = subscribers.subscribers_of("version:registered")
    assert found == [path for path in settings.EVENT_SUBSCRIBERS if path in found]
    assert "registry.receivers.MlflowPush" in found
    assert subscribers.subscribers_of("nothing:happened") == []


def test_a_subscriber_that_left_the_settings_is_named() -> None:
    with pytest.raises(KeyError, match=r"left\.the\.settings"):
        subscribers.subscriber("left.the.settings")
