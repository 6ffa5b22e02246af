"""Registering on the fast way what needs no question; all else goes to the ordinary view."""

import math
import re
from functools import cache
from typing import Any, ClassVar

import orjson

from hokusai.core.errors import DomainError
from hokusai.core.fields import SLUG_PATTERN
from hokusai.web.hot import HotAnswer, HotCall, HotRoute, PassOn
from registry.api.bodies import FIELDS
from registry.models import ModelVersion
from registry.services import PlainVersion, Registered, checked_tags, register_plain

CREATED = 201
MAX_ENTRIES = 500
MAX_NAME = 250
MAX_TEXT = 500
MAX_DESCRIPTION = 10_000
SLUG = re.compile(rf"{SLUG_PATTERN}\Z")
# A logged model by its id: it names no run, no other project and no upload.
SOURCE = re.compile(r"models:/m-[0-9a-f]{32}\Z")
KNOWN = frozenset({"project", "model", "source", "tags", "metrics", "parameters", "description"})


class RegisterRoute(HotRoute):
    """POST /api/v1/models/register"""

    name = "register"
    method = "POST"
    pattern = re.compile(r"models/register")
    scope: ClassVar[str] = "write"

    def answer(self, call: HotCall) -> HotAnswer:
        given = plain_version(call.body)
        made = register_plain(key_id=call.caller.key_id, given=given, request_id=call.request_id)
        if made is None:
            raise PassOn
        return HotAnswer(created_body(given, made), status=CREATED)


def created_body(given: PlainVersion, made: Registered) -> bytes:
    """A new version, as reading it would answer."""
    stated = {
        "id": made.public_id,
        "model_id": made.model_id,
        "number": made.number,
        "description": given.description,
        "source": given.source,
        "metrics": given.metrics,
        "parameters": given.parameters,
        "tags": {key: tag.text for key, tag in given.tags.items()},
        "parent": None,
        "registered_by": made.registered_by,
        "created_at": made.created_at,
    }
    return orjson.dumps({**_empty(), **stated}, option=orjson.OPT_UTC_Z)


@cache
def _empty() -> dict[str, Any]:
    """What a version answers of which nothing was said, in the order of its fields."""
    version = ModelVersion()
    return {name: getattr(version, name, None) for name in FIELDS}


def plain_version(body: bytes) -> PlainVersion:
    """What a body asks for. Raises PassOn where it asks for more, or for what may be refused."""
    try:
        stated = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise PassOn from error
    if not isinstance(stated, dict) or not KNOWN >= stated.keys() >= {"project", "model", "source"}:
        raise PassOn
    _require(_is_text(stated["project"], MAX_TEXT) and _is_text(stated["source"], MAX_TEXT))
    _require(_is_text(stated["model"], MAX_TEXT) and SLUG.match(stated["model"]))
    _require(SOURCE.match(stated["source"]))
    _require(_is_text(stated.get("description", ""), MAX_DESCRIPTION))
    _require(stated.get("description", "") == stated.get("description", "").strip())
    for name in ("metrics", "parameters", "tags"):
        _require(_is_named(stated.get(name, {})))
    _require(all(_is_finite(value) for value in stated.get("metrics", {}).values()))
    _require(all(_is_stripped(value) for value in stated.get("parameters", {}).values()))
    _require(all(_is_stripped(value) for value in stated.get("tags", {}).values()))
    metrics = {key: float(value) for key, value in stated.pop("metrics", {}).items()}
    return PlainVersion(**{**stated, "metrics": metrics, "tags": _tags(stated.get("tags", {}))})


def _tags(stated: dict[str, str]) -> Any:
    try:
        return checked_tags(stated)
    except DomainError as error:
        raise PassOn from error


def _require(held: object) -> None:
    if not held:
        raise PassOn


def _is_text(value: object, most: int) -> bool:
    return isinstance(value, str) and len(value) <= most and "\0" not in value


def _is_stripped(value: object) -> bool:
    """Text that a form would keep as it is."""
    return isinstance(value, str) and _is_text(value, MAX_TEXT) and value == value.strip()


def _is_named(value: object) -> bool:
    return (
        isinstance(value, dict)
        and len(value) <= MAX_ENTRIES
        and all(1 <= len(key) <= MAX_NAME and "\0" not in key for key in value)
    )


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
