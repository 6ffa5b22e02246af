from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured


class TransparencyConfig(AppConfig):
    name = "hokusai.transparency"
    label = "transparency"

    def ready(self) -> None:
        register(check_policy)


def check_policy(**options: Any) -> list[CheckMessage]:
    """Whether the settings of the log can be meant as they are."""
    from hokusai.transparency import policy  # noqa: PLC0415  # models load after apps

    try:
        policy.check()
    except (ImproperlyConfigured, ValueError) as error:
        return [Error(str(error), id="transparency.E001")]
    return []
