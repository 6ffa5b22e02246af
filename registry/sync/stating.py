"""What each side says of a version, as named values that can be compared."""

import re
from collections.abc import Mapping
from typing import Any

from django.db.models import Q

from hokusai.tracking import ModelRecord, VersionRecord
from hokusai.tracking.base import OPERATION_TAG
from registry.choices import Stage
from registry.models import ModelVersion, TrackedModel, TrackedVersion, VersionTag

OWN, THEIR_OWN = "hokusai.", "mlflow."
DESCRIPTION, TAG, ALIAS = "description", "tag:", "alias:"
# What the tracking server keeps of a description.
DESCRIBED = 5_000
STAGE_ALIASES = (Stage.PRODUCTION.value, Stage.STAGING.value, Stage.DEVELOPMENT.value)
NUMBERED = re.compile(r"^hokusai-\d+\Z")
MAX_TAGS = 200
_KEY = VersionTag._meta.get_field("key").max_length or 0  # noqa: SLF001
_VALUE = VersionTag._meta.get_field("value").max_length or 0  # noqa: SLF001
Values = dict[str, str]


def said_here(version: ModelVersion) -> Values:
    """Description and tags that people gave the version here."""
    tags = version.tags.exclude(key__startswith=OWN).values_list("key", "value")
    return {
        DESCRIPTION: version.description[:DESCRIBED],
        **{TAG + key: value for key, value in tags},
    }


def said_there(description: str, tags: Mapping[str, str]) -> Values:
    """The same of the other side, as far as it can be kept here."""
    fitting = sorted((key, value) for key, value in tags.items() if is_kept(key, value))
    return {
        DESCRIPTION: description[:DESCRIBED],
        **{TAG + key: value for key, value in fitting[:MAX_TAGS]},
    }


def is_kept(key: str, value: str) -> bool:
    """Whether a tag of the tracking server is one that people gave and that fits here."""
    if not key or key.startswith((OWN, THEIR_OWN)) or "\0" in key + value:
        return False
    return len(key) <= _KEY and len(value) <= _VALUE


def own_here(version: ModelVersion) -> Values:
    """What the platform states of the version in tags of its own."""
    stated = {
        OPERATION_TAG: version.public_id,
        "hokusai.version": str(version.number),
        "hokusai.stage": version.stage,
        "hokusai.artifact": version.artifact_state,
        **dict(version.tags.filter(key__startswith=OWN).values_list("key", "value")),
    }
    if version.tree_digest:
        stated["hokusai.digest"] = version.tree_digest
    return {TAG + key: value for key, value in stated.items()}


def own_there(tags: Mapping[str, str]) -> Values:
    return {TAG + key: value for key, value in tags.items() if key.startswith(OWN)}


def aliases_here(version: ModelVersion, tracked: TrackedVersion) -> Values:
    """Which of the tracking server's versions each governed alias is to name.

    A stage's alias names the highest version in it. An alias that engineers had set before the
    version came here stays until a version of ours takes its stage.
    """
    in_stage = (
        ModelVersion.objects.filter(
            model=version.model_id,
            stage__in=STAGE_ALIASES,
            tracked__server=tracked.server,
            tracked__name=tracked.name,
        )
        .order_by("number")
        .values_list("stage", "tracked__number")
    )
    wanted = {ALIAS + stage: str(number) for stage, number in in_stage}
    return {**wanted, f"{ALIAS}hokusai-{version.number}": str(tracked.number)}


def aliases_there(tracked: TrackedVersion, record: ModelRecord, ours: Values) -> Values:
    """What governed aliases name there now, as far as this version is concerned."""
    linked = _linked_numbers(tracked, set(record.aliases.values()))
    found = {}
    for alias, number in record.aliases.items():
        mine = number == str(tracked.number)
        if NUMBERED.match(alias):
            if mine or ALIAS + alias in ours:
                found[ALIAS + alias] = number
        elif alias in STAGE_ALIASES and (ALIAS + alias in ours or _is_to_go(alias, number, linked)):
            found[ALIAS + alias] = number
    return found


def _linked_numbers(tracked: TrackedVersion, numbers: set[str]) -> dict[str, Any]:
    """Snapshots of our versions behind these numbers."""
    rows = TrackedVersion.objects.filter(
        server=tracked.server,
        name=tracked.name,
        number__in=[int(number) for number in numbers if number.isdecimal()],
        version__isnull=False,
    )
    return {str(number): snapshot for number, snapshot in rows.values_list("number", "snapshot")}


def _is_to_go(alias: str, number: str, linked: Mapping[str, Any]) -> bool:
    """Whether an alias that no stage here asks for is ours to remove."""
    return number in linked and alias not in linked[number].get("kept", ())


def aliases_agreed(tracked: TrackedVersion) -> Values:
    """What governed aliases named when both sides last agreed."""
    agreed = {}
    for row in holders(tracked):
        for alias in row.snapshot.get("aliases", ()):
            if alias in STAGE_ALIASES or row.pk == tracked.pk:
                agreed[ALIAS + alias] = str(row.number)
    return agreed


def holders(tracked: TrackedVersion) -> list[TrackedVersion]:
    """The version itself, and those of its name that held a stage's alias, by number."""
    held = Q(pk=tracked.pk)
    for alias in STAGE_ALIASES:
        held |= Q(snapshot__aliases__contains=[alias]) | Q(snapshot__kept__contains=[alias])
    rows = TrackedVersion.objects.filter(
        held, server=tracked.server, name=tracked.name, version__isnull=False
    )
    return list(rows.order_by("number"))


def governs(version: ModelVersion, tracked: TrackedVersion) -> bool:
    """Whether the version's model is the one that governs the aliases of the name there."""
    return TrackedModel.objects.filter(
        server=tracked.server, name=tracked.name, model=version.model_id
    ).exists()


def is_same(tracked: TrackedVersion, record: VersionRecord) -> bool:
    """Whether a version there is the one that was linked: numbers begin anew with a model."""
    return round(tracked.created_at.timestamp() * 1000) == record.created_at_ms
