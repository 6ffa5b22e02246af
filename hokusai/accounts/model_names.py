"""Which models there are: asked through a hook, for models lie above this app."""

from abc import ABC, abstractmethod
from collections.abc import Collection

from django.conf import settings
from django.utils.module_loading import import_string


class ModelNames(ABC):
    """The registry as keys need it."""

    @abstractmethod
    def known(self, project_id: int, model_ids: Collection[str]) -> set[str]:
        """Those of the ids that name a model of the project."""


def model_names() -> ModelNames:
    """The registry that the setting MODEL_NAMES names."""
    names: ModelNames = import_string(settings.MODEL_NAMES)()
    return names
