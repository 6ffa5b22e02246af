import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from hokusai.core.providers import ProviderHandler, load_hooks
from hokusai.storage.base import ContentStore
from hokusai.storage.local import LocalStore


@pytest.fixture
def handler(settings: Settings) -> ProviderHandler[ContentStore]:
    settings.SHELVES = {
        "default": {
            "BACKEND": "hokusai.storage.local.LocalStore",
            "OPTIONS": {"root": "/nowhere"},
        },
        "wrong": {"BACKEND": "hokusai.core.models.Job"},
    }
    return ProviderHandler("SHELVES", ContentStore)


def test_a_provider_is_built_once_from_its_options(handler: ProviderHandler[ContentStore]) -> None:
    store = handler["default"]
    assert isinstance(store, LocalStore)
    assert str(store.root) == "/nowhere"
    assert handler["default"] is store


def test_an_unknown_alias_is_a_mistake_in_the_settings(
    handler: ProviderHandler[ContentStore],
) -> None:
    with pytest.raises(ImproperlyConfigured, match="'second'"):
        handler["second"]


def test_a_class_of_another_kind_is_a_mistake_in_the_settings(
    handler: ProviderHandler[ContentStore],
) -> None:
    with pytest.raises(ImproperlyConfigured, match="ContentStore"):
        handler["wrong"]


def test_a_handler_knows_its_aliases(handler: ProviderHandler[ContentStore]) -> None:
    assert list(handler) == ["default", "wrong"]
    assert "default" in handler
    assert "second" not in handler


def test_a_handler_that_forgets_reads_the_settings_again(
    handler: ProviderHandler[ContentStore], settings: Settings
) -> None:
    store = handler["default"]
    settings.SHELVES = {"default": {"BACKEND": "hokusai.storage.memory.MemoryStore"}}
    assert handler["default"] is store
    handler.forget()
    assert type(handler["default"]).__name__ == "MemoryStore"


@pytest.mark.parametrize(
    "setting", ["PROMOTION_CHECKS", "PROMOTION_PARTIES", "TRAINING_SOURCES", "DEPLOY_CHECKS"]
)
def test_every_hook_of_the_settings_can_be_loaded(setting: str, settings: Settings) -> None:
    assert len(load_hooks(setting)) == len(getattr(settings, setting)) > 0
