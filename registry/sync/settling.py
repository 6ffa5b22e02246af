"""Writing here what a look at the tracking server brought: adopted values, conflicts, the base."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from hokusai.core.events import SYSTEM, record
from hokusai.tracking import VersionRecord
from registry.algorithms.merging import Clash, Merged
from registry.algorithms.tags import typed
from registry.choices import ConflictState, SyncState, TagKind
from registry.mirroring.intake import moment
from registry.models import ModelVersion, SyncConflict, TrackedModel, TrackedVersion, VersionTag
from registry.sync.stating import (
    ALIAS,
    DESCRIPTION,
    STAGE_ALIASES,
    TAG,
    Values,
    holders,
    said_here,
)

LONGEST_FIELD = SyncConflict._meta.get_field("field").max_length  # noqa: SLF001


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was seen there, what each merge found, and what governed aliases name now."""

    seen: VersionRecord
    said: Merged
    own: Merged
    aliases: Merged
    held: Values
    note: str

    @property
    def clashes(self) -> list[Clash]:
        return [*self.said.clashes, *self.own.clashes, *self.aliases.clashes]


@transaction.atomic
def settle(version: ModelVersion, tracked: TrackedVersion, outcome: Outcome) -> None:
    """Adopt, record conflicts, and remember what both sides agree on now.

    A field that a person changed here meanwhile is left alone: their change has its own turn.
    """
    before = said_here(version)
    row = ModelVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)
    now = said_here(row)
    late = {key for key in outcome.said.adopt if now.get(key) != before.get(key)}
    adopted = {key: value for key, value in outcome.said.adopt.items() if key not in late}
    _adopt(row, adopted)
    for clash in outcome.clashes:
        if clash.field not in late:
            _keep_clash(row, clash)
    _remember(tracked.pk, outcome, late)
    _hold(tracked, outcome.held)
    _keep_aliases(tracked, outcome.aliases)
    _state(row, outcome)
    if adopted or outcome.clashes:
        _tell(row, before, adopted, outcome.clashes)


def _adopt(row: ModelVersion, adopted: dict[str, str | None]) -> None:
    for field, value in adopted.items():
        if field == DESCRIPTION:
            row.description = value or ""
            row.save(update_fields=["description"])
        else:
            write_tag(row, field.removeprefix(TAG), value)


def write_tag(row: ModelVersion, key: str, value: str | None) -> None:
    """Set or remove a tag as it stands there; its kind stays where the text is of that kind."""
    if value is None:
        row.tags.filter(key=key).delete()
        return
    known = row.tags.filter(key=key).values_list("kind", flat=True).first()
    kind, number = _read(key, value, known or TagKind.TEXT)
    VersionTag.objects.update_or_create(
        version=row, key=key, defaults={"value": value, "kind": kind, "number": number}
    )


def _read(key: str, value: str, kind: str) -> tuple[str, float | None]:
    try:
        found = typed(key, value, kind)
    except ValueError:
        return TagKind.TEXT, None
    return (kind, found.number) if found.text == value else (TagKind.TEXT, None)


def _keep_clash(row: ModelVersion, clash: Clash) -> None:
    """One open conflict per field; another change there renews what it shows."""
    values = {"base": clash.base, "ours": clash.ours, "theirs": clash.theirs}
    SyncConflict.objects.update_or_create(
        version=row,
        field=clash.field[:LONGEST_FIELD],
        state=ConflictState.OPEN,
        defaults={"values": values},
    )


def _remember(key: int, outcome: Outcome, late: set[str]) -> None:
    tracked = TrackedVersion.objects.select_for_update(of=("self",)).get(pk=key)
    seen, base = outcome.seen, tracked.snapshot
    description, tags = seen.description, dict(seen.tags)
    for field, value in {**outcome.said.push, **outcome.own.push}.items():
        if field == DESCRIPTION:
            description = value or ""
        elif value is None:
            tags.pop(field.removeprefix(TAG), None)
        else:
            tags[field.removeprefix(TAG)] = value
    tracked.description, tracked.tags = description, tags
    tracked.updated_at = moment(seen.updated_at_ms)
    tracked.missed, tracked.missing_since = 0, None
    agreed: dict[str, Any] = {"description": description, "tags": dict(tags)}
    for field in late:
        _keep_base(agreed, base, field)
    tracked.snapshot = {**base, **agreed}
    tracked.save()


def _keep_base(agreed: dict[str, Any], base: Mapping[str, Any], field: str) -> None:
    """Of a field that is not settled the old base stays."""
    if field == DESCRIPTION:
        agreed["description"] = base.get("description", "")
        return
    key = field.removeprefix(TAG)
    agreed["tags"].pop(key, None)
    if key in base.get("tags", {}):
        agreed["tags"][key] = base["tags"][key]


def _hold(tracked: TrackedVersion, held: Values) -> None:
    """Note on each version which governed aliases name it now."""
    if not held:
        return
    ends = {key.removeprefix(ALIAS): number for key, number in held.items()}
    numbers = {int(number) for number in ends.values()}
    named = TrackedVersion.objects.filter(
        server=tracked.server, name=tracked.name, number__in=numbers, version__isnull=False
    )
    rows = {row.pk: row for row in [*holders(tracked), *named]}
    for row in rows.values():
        old = row.snapshot.get("aliases", [])
        numbered = [alias for alias in old if alias not in STAGE_ALIASES and alias not in ends]
        aliases = sorted({*numbered, *(a for a, n in ends.items() if n == str(row.number))})
        kept = [alias for alias in row.snapshot.get("kept", []) if alias not in ends]
        if aliases != old or kept != row.snapshot.get("kept", []):
            snapshot = {**row.snapshot, "aliases": aliases, "kept": kept}
            TrackedVersion.objects.filter(pk=row.pk).update(snapshot=snapshot)


def _keep_aliases(tracked: TrackedVersion, written: Merged) -> None:
    """Note what was written, so that it is no change when it is seen there."""
    if not written.push:
        return
    model = TrackedModel.objects.select_for_update(of=("self",)).get(
        server=tracked.server, name=tracked.name
    )
    for field, number in written.push.items():
        model.aliases.pop(field.removeprefix(ALIAS), None)
        if number is not None:
            model.aliases[field.removeprefix(ALIAS)] = number
    model.save(update_fields=["aliases"])


def _state(row: ModelVersion, outcome: Outcome) -> None:
    conflict = row.conflicts.filter(state=ConflictState.OPEN).exists()
    row.sync_state = SyncState.CONFLICT if conflict else SyncState.SYNCED
    row.mlflow_note = outcome.note
    row.mlflow_name, row.mlflow_version = outcome.seen.name, outcome.seen.version
    row.save(update_fields=["sync_state", "mlflow_note", "mlflow_name", "mlflow_version"])


def _tell(
    row: ModelVersion, before: Values, adopted: dict[str, str | None], clashes: list[Clash]
) -> None:
    record(
        "version:changed-in-mlflow",
        subject=row.public_id,
        actor=SYSTEM,
        project_id=row.project_id,
        label=str(row),
        before={field: before.get(field) for field in adopted},
        after={**adopted, "conflicts": [clash.field for clash in clashes]},
    )
