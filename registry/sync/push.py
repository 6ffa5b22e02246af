"""Bringing one version and its twin on the tracking server in step.

What is there is looked at first and only differences are written, so that a repeat adds nothing
and what comes back from a write of ours is no change.
"""

from django.db import transaction

from hokusai.tracking import TrackingClient, TrackingRefused, VersionRecord, tracking
from registry.algorithms.merging import Merged, governed, three_way
from registry.choices import SyncState
from registry.models import ModelVersion, TrackedVersion
from registry.models.mirror import OURS
from registry.sync import stating
from registry.sync.locks import one_at_a_time
from registry.sync.models import bring_model_in_step
from registry.sync.placing import can_be_shown, duplicates_of, make_there, seen_there, tracked_of
from registry.sync.settling import Outcome, settle
from registry.sync.stating import ALIAS, DESCRIPTION, TAG

GONE = "MLflow no longer holds this version; sync again to make it there anew."


def push_version(public_id: str, *, remake: bool = False) -> None:
    """Bring both sides in step; what changed there is adopted here. Safe to repeat.

    A version that is gone there stays gone unless `remake`. Raises an OutsideUnavailable where a
    later try may work; a refusal is shown as a conflict.
    """
    version = ModelVersion.objects.with_names().get(public_id=public_id)
    tracked = tracked_of(version)
    if tracked is None and not can_be_shown(version):
        return
    client = tracking[tracked.server if tracked else OURS]
    try:
        with one_at_a_time(version.model.model_id):
            _bring_in_step(client, version, tracked, remake)
    except TrackingRefused as error:
        _say(version, SyncState.CONFLICT, str(error))
        raise


def _bring_in_step(
    client: TrackingClient, version: ModelVersion, tracked: TrackedVersion | None, remake: bool
) -> None:
    record = seen_there(client, tracked) if tracked else None
    if record is None and tracked is not None and not remake:
        _say(version, SyncState.CONFLICT, GONE)
        return
    if record is None:
        record = make_there(client, version)
        tracked = tracked_of(version)
    if tracked is None:
        raise LookupError(f"{version} was shown and is not remembered")
    bring_model_in_step(client, version.model, tracked.server, version)
    settle(version, tracked, _differences(client, version, tracked, record))


def _differences(
    client: TrackingClient, version: ModelVersion, tracked: TrackedVersion, record: VersionRecord
) -> Outcome:
    """Merge the three sides and write what is to be written there."""
    agreed = tracked.snapshot or {"tags": {}, "description": ""}
    first_contact = not tracked.snapshot
    said = three_way(
        stating.said_there(agreed["description"], agreed["tags"]),
        stating.said_here(version),
        stating.said_there(record.description, record.tags),
    )
    there = stating.own_there(record.tags)
    own = governed(
        there if first_contact else stating.own_there(agreed["tags"]),
        stating.own_here(version),
        there,
    )
    aliases, held = Merged(), {}
    if stating.governs(version, tracked):
        held = stating.aliases_here(version, tracked)
        there = stating.aliases_there(tracked, client.get_model(tracked.name), held)
        aliases = governed(stating.aliases_agreed(tracked), held, there)
    _write(client, tracked, said, own, aliases)
    return Outcome(record, said, own, aliases, held, duplicates_of(version, tracked))


def _write(
    client: TrackingClient,
    tracked: TrackedVersion,
    said: Merged,
    own: Merged,
    aliases: Merged,
) -> None:
    name, number = tracked.name, str(tracked.number)
    changes = {**said.push, **own.push}
    if DESCRIPTION in changes:
        client.set_description(name, number, changes.pop(DESCRIPTION) or "")
    tags = {key.removeprefix(TAG): value for key, value in changes.items()}
    if stated := {key: value for key, value in tags.items() if value is not None}:
        client.set_version_tags(name, number, stated)
    for key in (key for key, value in tags.items() if value is None):
        client.delete_version_tag(name, number, key)
    for key, held_by in aliases.push.items():
        alias = key.removeprefix(ALIAS)
        if held_by is None:
            client.delete_alias(name, alias)
        else:
            client.set_alias(name, alias, held_by)


@transaction.atomic
def _say(version: ModelVersion, state: SyncState, note: str) -> None:
    row = ModelVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)
    row.sync_state, row.mlflow_note = state, note
    row.save(update_fields=["sync_state", "mlflow_note"])
