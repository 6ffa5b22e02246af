"""What a version was trained on: dataset versions, named by their own ids or by a higher app's."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from hokusai.accounts.models import Project
from hokusai.core.errors import InvalidInput
from hokusai.core.ids import kind_of
from hokusai.core.providers import load_hooks
from registry.choices import Access, DatasetState
from registry.models import DatasetVersion


class TrainingSource(ABC):
    """Lets a higher app's ids stand for dataset versions; listed in TRAINING_SOURCES."""

    prefix: ClassVar[str]

    @abstractmethod
    def resolve(self, public_id: str, project: Project) -> DatasetVersion:
        """The dataset version behind an id. Raises InvalidInput where it may not be used."""


class OwnSource(TrainingSource):
    """Dataset versions by their own ids."""

    prefix = "dsv"

    def resolve(self, public_id: str, project: Project) -> DatasetVersion:
        found = DatasetVersion.objects.filter(public_id=public_id, dataset__project=project)
        version = found.select_related("dataset__project").first()
        if version is None:
            raise InvalidInput("This project has no such dataset version.", id=public_id)
        return version


def resolve_training_data(ids: Sequence[str], project: Project) -> list[DatasetVersion]:
    """Dataset versions behind ids, once each; inside the transaction that uses them.

    Raises InvalidInput naming the unusable one.
    """
    sources = {source.prefix: source for source in [OwnSource(), *load_hooks("TRAINING_SOURCES")]}
    found: dict[int, DatasetVersion] = {}
    for public_id in sorted(ids):
        source = sources.get(kind_of(public_id))
        if source is None:
            raise InvalidInput("This id names no training data.", id=public_id)
        version = source.resolve(public_id, project)
        _check(_locked(version), public_id)
        found[version.pk] = version
    return list(found.values())


def _locked(version: DatasetVersion) -> DatasetVersion:
    """The row as it is now, kept so to the end of the transaction: nobody seals it meanwhile."""
    return DatasetVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)


def _check(version: DatasetVersion, public_id: str) -> None:
    if version.access == Access.STEWARDS:
        raise InvalidInput("Rows of a benchmark never serve training.", id=public_id)
    if version.state != DatasetState.USABLE:
        raise InvalidInput(f"This data is {version.state}, not usable.", id=public_id)
