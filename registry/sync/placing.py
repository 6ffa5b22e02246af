"""Finding a version on the tracking server, or making it there: once, however often it is tried."""

from django.db import transaction
from django.db.models import QuerySet

from hokusai.storage import stores
from hokusai.tracking import TrackingClient, TrackingNotFound, VersionPush, VersionRecord
from registry.choices import ArtifactState, MirrorState
from registry.mirroring.intake import made_at, moment
from registry.models import Model, ModelVersion, TrackedModel, TrackedVersion
from registry.models.mirror import OURS
from registry.sync.stating import DESCRIBED, is_same

MODEL_TAG = "hokusai.model"
# What the tracking server itself can name; bytes that came another way are logged there first.
THEIRS = ("runs:/", "models:/")


def tracked_of(version: ModelVersion) -> TrackedVersion | None:
    """The version's twin as it was last seen; None before it was shown."""
    return TrackedVersion.objects.filter(version=version.pk).first()


def can_be_shown(version: ModelVersion) -> bool:
    """Whether the tracking server has the bytes, or they are here to be logged there."""
    return version.source.startswith(THEIRS) or version.artifact_state == ArtifactState.READY


def seen_there(client: TrackingClient, tracked: TrackedVersion) -> VersionRecord | None:
    """The twin as it is now; None where it is gone, or another has its number."""
    try:
        found = client.get_version(tracked.name, str(tracked.number))
    except TrackingNotFound:
        return None
    return found if is_same(tracked, found) else None


def make_there(client: TrackingClient, version: ModelVersion) -> VersionRecord:
    """The version with our operation id: the lowest, where an old call came through twice."""
    name = name_there(version.model)
    _ensure_model(client, name, version.model)
    found = client.find_versions(name, version.public_id)
    if not found:
        client.create_version(_push(client, name, version))
        found = client.find_versions(name, version.public_id)
    records = [client.get_version(name, row.version) for row in found]
    _remember(version, records[0], records[1:])
    return records[0]


def name_there(model: Model) -> str:
    """The name under which a model's versions stand there; never one that is another model's."""
    taken = TrackedModel.objects.filter(server=OURS)
    known = taken.filter(model=model.pk).values_list("name", flat=True).first()
    if known is not None:
        return known
    others = taken.filter(name=model.model_id, model__isnull=False)
    return f"{model.model_id}.{model.public_id[-8:]}" if others.exists() else model.model_id


def duplicates_of(version: ModelVersion, tracked: TrackedVersion) -> str:
    """A sentence about what else there carries our id; empty for nothing."""
    others = TrackedVersion.objects.filter(
        server=tracked.server,
        name=tracked.name,
        state=MirrorState.IGNORED,
        missing_since__isnull=True,
        **{"tags__hokusai.op": version.public_id},
    ).order_by("number")
    numbers = ", ".join(str(row.number) for row in others)
    return f"MLflow also holds {numbers} of this operation." if numbers else ""


def _ensure_model(client: TrackingClient, name: str, model: Model) -> None:
    tags = {MODEL_TAG: model.public_id}
    try:
        known = client.get_model(name).tags
    except TrackingNotFound:
        known = {}
    if known.get(MODEL_TAG) != model.public_id:
        client.ensure_model(name, tags)


def _push(client: TrackingClient, name: str, version: ModelVersion) -> VersionPush:
    if version.source.startswith(THEIRS):
        source, run_id = client.resolve_source(version.source)
    else:
        files = stores["default"].materialise(version.tree_digest)
        source, run_id = client.log_files(version.public_id, files)
    return VersionPush(
        name=name,
        source=source,
        run_id=version.run_id or run_id,
        operation_id=version.public_id,
        description=version.description[:DESCRIBED],
        tags={"hokusai.version": str(version.number)},
    )


@transaction.atomic
def _remember(version: ModelVersion, first: VersionRecord, others: list[VersionRecord]) -> None:
    """Link the version with its twin; what else carries its id is kept apart."""
    model, _ = TrackedModel.objects.get_or_create(server=OURS, name=first.name)
    if model.model_id is None:
        model.model = version.model
        model.save(update_fields=["model"])
    tracked = tracked_of(version)
    if tracked is None:
        tracked = _row(first, MirrorState.INBOX)
        if tracked.state == MirrorState.IGNORED:
            tracked.move_to(MirrorState.INBOX)
        tracked.move_to(MirrorState.LINKED)
        tracked.version = version
    elif not is_same(tracked, first):
        # Made anew because a person asked for it: what was linked is gone there.
        _same(first).exclude(pk=tracked.pk).delete()
        tracked.name, tracked.number = first.name, int(first.version)
        tracked.created_at = made_at(first.created_at_ms)
        tracked.snapshot, tracked.missed, tracked.missing_since = {}, 0, None
    tracked.save()
    for record in others:
        _row(record, MirrorState.IGNORED)


def _same(record: VersionRecord) -> QuerySet[TrackedVersion]:
    return TrackedVersion.objects.filter(
        server=OURS,
        name=record.name,
        number=int(record.version),
        created_at=made_at(record.created_at_ms),
    )


def _row(record: VersionRecord, state: MirrorState) -> TrackedVersion:
    """The mirror's row of a version there, made in this state where it is new."""
    row, _ = TrackedVersion.objects.select_for_update(of=("self",)).get_or_create(
        server=OURS,
        name=record.name,
        number=int(record.version),
        created_at=made_at(record.created_at_ms),
        defaults={
            "state": state,
            "updated_at": moment(record.updated_at_ms),
            "source": record.source[:1000],
            "run_id": record.run_id,
            "description": record.description,
            "tags": dict(record.tags),
        },
    )
    return row
