"""What people say of a version: tags, card, licence; its bytes and its history never change."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from hokusai.core.errors import InvalidInput
from hokusai.core.events import SYSTEM, Actor, record
from registry.algorithms import cards, licences
from registry.algorithms.tags import TypedTag, typed, typed_all
from registry.choices import SecurityLevel
from registry.exceptions import TooManyTags
from registry.models import ModelVersion, VersionTag

OWN_TAGS = "hokusai."
MAX_TAGS = 200
MAX_TAG_KEY = 100
MAX_TAG_TEXT = 500
MAX_CARD_BYTES = 200_000


@transaction.atomic
def describe_version(
    *,
    version_id: int,
    actor: Actor,
    description: str | None = None,
    card: str | None = None,
    licence: str | None = None,
    security_level: str | None = None,
    code_revision: str | None = None,
) -> ModelVersion:
    """State anew what is said of a version; what is None stays.

    Raises InvalidInput for a card or licence that cannot be read.
    """
    stated = {
        "description": description,
        "card": None if card is None else checked_card(card),
        "licence": None if licence is None else checked_licence(licence),
        "security_level": None if security_level is None else checked_level(security_level),
        "code_revision": code_revision,
    }
    version = ModelVersion.objects.select_for_update(of=("self",)).get(pk=version_id)
    changes = {
        name: value
        for name, value in stated.items()
        if value is not None and value != getattr(version, name)
    }
    if not changes:
        return version
    before = {name: getattr(version, name) for name in changes}
    for name, value in changes.items():
        setattr(version, name, value)
    version.save(update_fields=list(changes))
    _record("version:described", version, actor, before, changes)
    return version


@transaction.atomic
def set_tags(*, version_id: int, tags: Mapping[str, Any], actor: Actor) -> ModelVersion:
    """Set tags of a version; others stay.

    A value is a text, number or boolean, or {"value": …, "kind": "date"}. Raises InvalidInput.
    """
    return write_tags(version_id, checked_tags(tags), actor)


@transaction.atomic
def remove_tags(*, version_id: int, keys: Sequence[str], actor: Actor) -> ModelVersion:
    """Take tags off a version. Raises InvalidInput for the platform's own or an unknown one."""
    _refuse_own(keys)
    version = ModelVersion.objects.select_for_update(of=("self",)).get(pk=version_id)
    found = version.tags.filter(key__in=keys)
    before = dict(found.values_list("key", "value"))
    if absent := sorted(set(keys) - set(before)):
        raise InvalidInput(f"The version has no tag {absent[0]!r}.", tag=absent[0])
    found.delete()
    _record("version:tagged", version, actor, before, {})
    return version


@transaction.atomic
def state_facts(*, version_id: int, facts: Mapping[str, str]) -> ModelVersion:
    """Set the platform's own tags, named `hokusai.…`, which MLflow shows too."""
    own = {OWN_TAGS + key: typed(OWN_TAGS + key, value, "text") for key, value in facts.items()}
    return write_tags(version_id, own, SYSTEM)


def checked_tags(tags: Mapping[str, Any]) -> dict[str, TypedTag]:
    """Typed tags as they are kept. Raises InvalidInput naming the one that cannot be."""
    try:
        found = typed_all(tags, limit=MAX_TAGS)
    except ValueError as error:
        raise InvalidInput(str(error)) from error
    _refuse_own(found)
    for key, tag in found.items():
        if len(key) > MAX_TAG_KEY or len(tag.text) > MAX_TAG_TEXT or "\0" in key + tag.text:
            raise InvalidInput(
                f"A tag has at most {MAX_TAG_KEY} letters in its key and {MAX_TAG_TEXT} in its "
                "value, and no NUL.",
                tag=key[:MAX_TAG_KEY],
            )
    return found


def _refuse_own(keys: Any) -> None:
    for key in keys:
        if key.startswith(OWN_TAGS):
            raise InvalidInput(f"Tags named {OWN_TAGS}… are the platform's own.", tag=key)


def checked_licence(text: str) -> str:
    """An SPDX expression in its canonical form; empty stays empty. Raises InvalidInput."""
    if not text.strip():
        return ""
    try:
        return licences.normalise(text)
    except ValueError as error:
        raise InvalidInput(str(error), licence=text[:100]) from error


def checked_card(text: str) -> str:
    """The card's text as it is kept. Raises InvalidInput where it is no model card."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_CARD_BYTES or "\0" in text:
        raise InvalidInput(f"A model card has at most {MAX_CARD_BYTES} bytes and no NUL.")
    try:
        cards.parse(text)
    except ValueError as error:
        raise InvalidInput(f"The model card cannot be read: {error}") from error
    return text


def checked_level(level: str) -> str:
    """One of the security levels. Raises InvalidInput."""
    if level not in SecurityLevel.values:
        known = ", ".join(SecurityLevel.values)
        raise InvalidInput(f"The security level is one of {known}.", security_level=level[:50])
    return level


def write_tags(version_id: int, tags: Mapping[str, TypedTag], actor: Actor) -> ModelVersion:
    """Set checked tags inside a transaction, under the version's lock."""
    version = ModelVersion.objects.select_for_update(of=("self",)).get(pk=version_id)
    before = dict(version.tags.filter(key__in=tags).values_list("key", "value"))
    others = version.tags.exclude(key__startswith=OWN_TAGS).exclude(key__in=tags).count()
    if actor != SYSTEM and others + len(tags) > MAX_TAGS:
        raise TooManyTags(f"A version has at most {MAX_TAGS} tags.")
    VersionTag.objects.bulk_create(
        tag_rows(version, tags),
        update_conflicts=True,
        unique_fields=["version", "key"],
        update_fields=["value", "kind", "number"],
    )
    after = {key: tag.text for key, tag in tags.items()}
    _record("version:tagged", version, actor, before, after)
    return version


def tag_rows(version: ModelVersion, tags: Mapping[str, TypedTag]) -> list[VersionTag]:
    """Rows of tags, not saved."""
    return [
        VersionTag(version=version, key=key, value=tag.text, kind=tag.kind, number=tag.number)
        for key, tag in tags.items()
    ]


def _record(
    tag: str,
    version: ModelVersion,
    actor: Actor,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    record(
        tag,
        subject=version.public_id,
        actor=actor,
        project_id=version.project_id,
        label=str(version),
        before=before,
        after=after,
    )
