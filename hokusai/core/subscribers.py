"""Who hears of which event: the classes that EVENT_SUBSCRIBERS names."""

from abc import ABC, abstractmethod
from functools import cache
from typing import ClassVar

from django.conf import settings
from django.utils.module_loading import import_string

from hokusai.core.models import Event


class Subscriber(ABC):
    """Hears of events after their transaction committed, in order per subject, at least once."""

    tags: ClassVar[frozenset[str]]

    @abstractmethod
    def receive(self, event: Event, *, operation_id: str) -> None:
        """Act on one event; idempotent by its id.

        Raises OutsideUnavailable to be asked again later. Any other DomainError parks the delivery.
        """


@cache
def _all() -> dict[str, Subscriber]:
    return {path: import_string(path)() for path in settings.EVENT_SUBSCRIBERS}


def subscribers_of(tag: str) -> list[str]:
    """Dotted paths of the subscribers of a tag."""
    return [path for path, subscriber in _all().items() if tag in subscriber.tags]


def subscriber(path: str) -> Subscriber:
    """The subscriber behind a dotted path. Raises KeyError when it left the settings."""
    return _all()[path]
