"""What keys signed, as the log knows it: asked through a hook, for the log lies above this app."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from django.conf import settings
from django.utils.module_loading import import_string


@dataclass(frozen=True, slots=True)
class Signed:
    """What a key signed of one kind: how many, and between which indices of the log."""

    kind: str
    count: int
    first: int
    last: int


class SignatureLog(ABC):
    """The log as keys need it."""

    @abstractmethod
    def size(self) -> int:
        """How many leaves the log has now."""

    @abstractmethod
    def signed_by(self, key_id: str, from_index: int = 0) -> list[Signed]:
        """What of a key has an index of at least `from_index`, by kind."""


def signature_log() -> SignatureLog:
    """The log that the setting SIGNATURE_LOG names."""
    log: SignatureLog = import_string(settings.SIGNATURE_LOG)()
    return log
