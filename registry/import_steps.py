"""What higher apps bring along when a tracking server is taken over."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from hokusai.core.jobs import Work


class ImportStep(ABC):
    """One part of an import; listed in the setting IMPORT_STEPS, run in its order, repeatable."""

    title: ClassVar[str]

    @abstractmethod
    def preview(self, server: str) -> dict[str, Any]:
        """What `run` would bring, for the report; writes nothing."""

    @abstractmethod
    def run(self, server: str, work: Work) -> dict[str, Any]:
        """Bring it; counts for the report. Safe to repeat."""
