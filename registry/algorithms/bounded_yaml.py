"""Reading YAML of unknown origin: bounded in bytes, without aliases, tags or repeated keys."""

from typing import Any

import yaml

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 100

_Loader: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


class YamlRefused(ValueError):
    """The text is no YAML that is read here."""


class _PlainLoader(_Loader):  # type: ignore[misc]
    """Refuses a key that appears twice: YAML would keep the last one, other readers the first."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key.value, str)]
        if len(keys) != len(set(keys)):
            raise YamlRefused("A key appears twice in one mapping.")
        return dict(super().construct_mapping(node, deep=deep))


def load_plain(text: str | bytes, *, max_bytes: int = MAX_BYTES) -> Any:
    """Read one YAML document.

    Raises:
        YamlRefused: too large, malformed, nested too deep, with aliases, tags or repeated keys.
    """
    if len(text) > max_bytes:
        raise YamlRefused(f"It is larger than {max_bytes} bytes.")
    try:
        _check_events(text)
        return yaml.load(text, Loader=_PlainLoader)  # noqa: S506 - a safe loader made safer
    except yaml.YAMLError as error:
        raise YamlRefused(f"It is no YAML: {str(error).splitlines()[0]}") from error
    except YamlRefused:
        raise
    except (ValueError, TypeError) as error:
        raise YamlRefused(f"It holds a value that cannot be read: {error}") from error


def _check_events(text: str | bytes) -> None:
    """An alias could repeat itself without end, and a deep nesting end the process."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            raise YamlRefused("It uses an alias, which is not read here.")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise YamlRefused("It is nested too deep.")
