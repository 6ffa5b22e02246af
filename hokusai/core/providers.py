from functools import cached_property
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

T = TypeVar("T")


class ProviderHandler(Generic[T]):
    """Builds providers from a setting shaped like Django's STORAGES.

    {alias: {"BACKEND": dotted path, "OPTIONS": keyword arguments}}
    """

    def __init__(self, setting: str, base: type[T]) -> None:
        self.setting, self.base = setting, base
        self._instances: dict[str, T] = {}

    @cached_property
    def _definitions(self) -> dict[str, dict[str, Any]]:
        return dict(getattr(settings, self.setting))

    def __contains__(self, alias: object) -> bool:
        return alias in self._definitions

    def __iter__(self) -> Any:
        return iter(self._definitions)

    def __getitem__(self, alias: str) -> T:
        if alias not in self._instances:
            self._instances[alias] = self._build(alias)
        return self._instances[alias]

    def forget(self) -> None:
        """Build anew at the next use; for tests that change the setting."""
        self._instances.clear()
        self.__dict__.pop("_definitions", None)

    def _build(self, alias: str) -> T:
        try:
            definition = self._definitions[alias]
        except KeyError as error:
            raise ImproperlyConfigured(f"{self.setting} has no entry {alias!r}.") from error
        provider_class = import_string(definition["BACKEND"])
        if not issubclass(provider_class, self.base):
            raise ImproperlyConfigured(f"{definition['BACKEND']} is not a {self.base.__name__}.")
        provider: T = provider_class(**definition.get("OPTIONS", {}))
        return provider


def load_hooks(setting: str) -> list[Any]:
    """One instance of each class that a settings list names, in its order."""
    return [import_string(path)() for path in getattr(settings, setting)]
