"""Versions of the tracking server becoming versions of a project, many at once."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Max, QuerySet

from hokusai.accounts.models import Project
from hokusai.core import jobs
from hokusai.core.events import SYSTEM, Actor, record
from hokusai.core.ids import new_id
from registry.algorithms.naming import slug_of
from registry.choices import MirrorState, Origin, SyncState
from registry.mirroring import adoption
from registry.mirroring.intake import ask, staged
from registry.models import Model, ModelVersion, TrackedModel, TrackedVersion

Key = tuple[str, str]
COPY = "artifact_copy"
NAME = 200
# Copies that an import leaves behind begin so many a second, so that others get through.
COPIES_PER_S = 5


class Waiting(NamedTuple):
    """A version in the inbox."""

    pk: int
    server: str
    name: str


def mapped_waiting(server: str) -> QuerySet[TrackedVersion]:
    """Versions in the inbox whose experiment belongs to a project by now."""
    return TrackedVersion.objects.filter(
        server=server,
        state=MirrorState.INBOX,
        experiment__project__isnull=False,
        missing_since__isnull=True,
    )


@transaction.atomic
def adopt(
    tracked_ids: Sequence[int],
    *,
    project: Project,
    registered_by_id: int,
    origin: Origin,
    actor: Actor = SYSTEM,
    announced: bool = True,
) -> list[int]:
    """Make what waits in the inbox versions of a project; keys of the versions that were made.

    Numbers follow the order in which the versions were made there. Rows that left the inbox
    meanwhile are passed over. `announced`: each gets its event and its copy at once; else whoever
    calls sees to both.
    """
    rows = [
        Waiting(*row)
        for row in TrackedVersion.objects.select_for_update(of=("self",))
        .filter(pk__in=tracked_ids, state=MirrorState.INBOX)
        .order_by("name", "created_at", "number")
        .values_list("pk", "server", "name")
    ]
    if not rows:
        return []
    models = _models(rows, project, actor if announced else None)
    with staged(_links(rows, models)) as batch:
        made = _insert(batch, project, registered_by_id, origin)
    if announced:
        _announce(made, actor)
    return made


def _models(rows: list[Waiting], project: Project, actor: Actor | None) -> dict[Key, Model]:
    """The project's model for each name, locked until the end of the transaction.

    One name may serve two projects: each has a model of its own, the first governs the aliases.
    """
    # One adoption per project at a time, so that no two choose the same name.
    list(Project.objects.select_for_update(no_key=True).filter(pk=project.pk).values_list("pk"))
    wanted = list(dict.fromkeys((row.server, row.name) for row in rows))
    tracked = _tracked_models(wanted)
    found = _known_models(wanted, tracked, project)
    fresh = [tracked[key] for key in wanted if key not in found]
    found |= _make_models(fresh, project, actor)
    locked = Model.objects.select_for_update().filter(pk__in=[m.pk for m in found.values()])
    list(locked.order_by("pk").values_list("pk"))
    return found


def _tracked_models(wanted: list[Key]) -> dict[Key, TrackedModel]:
    TrackedModel.objects.bulk_create(
        (TrackedModel(server=server, name=name) for server, name in wanted), ignore_conflicts=True
    )
    rows = TrackedModel.objects.select_related("model").filter(
        name__in=[name for _, name in wanted]
    )
    return {(row.server, row.name): row for row in rows}


def _known_models(
    wanted: list[Key], tracked: dict[Key, TrackedModel], project: Project
) -> dict[Key, Model]:
    asked = set(wanted)
    found = {
        key: row.model
        for key, row in tracked.items()
        if key in asked and row.model is not None and row.model.project_id == project.pk
    }
    others = TrackedVersion.objects.filter(
        name__in=[name for _, name in wanted], version__project=project
    ).order_by("-pk")
    known = {(s, n): key for s, n, key in others.values_list("server", "name", "version__model")}
    models = Model.objects.in_bulk(known.values())
    return {key: models[pk] for key, pk in known.items() if key in asked} | found


def _make_models(
    fresh: list[TrackedModel], project: Project, actor: Actor | None
) -> dict[Key, Model]:
    if not fresh:
        return {}
    taken = set(Model.objects.filter(project=project).values_list("slug", flat=True))
    found: dict[Key, Model] = {}
    for row in fresh:
        slug = slug_of(row.name, taken.__contains__)
        taken.add(slug)
        found[row.server, row.name] = Model(
            project=project,
            slug=slug,
            model_id=f"{project.slug}.{slug}",
            name=row.name[:NAME],
            description=row.description,
        )
    Model.objects.bulk_create(found.values())
    for row in fresh:
        row.model = row.model or found[row.server, row.name]
    TrackedModel.objects.bulk_update(fresh, ["model"], batch_size=500)
    if actor is not None:
        for (_, name), model in found.items():
            _record_model(model, name, actor)
    return found


def _record_model(model: Model, name: str, actor: Actor) -> None:
    record(
        "model:created",
        subject=model.public_id,
        actor=actor,
        project_id=model.project_id,
        label=model.model_id,
        after={"model_id": model.model_id, "mlflow_name": name},
    )


def _links(rows: list[Waiting], models: dict[Key, Model]) -> Iterator[dict[str, Any]]:
    last = dict(
        ModelVersion.objects.filter(model__in=models.values())
        .order_by()
        .values_list("model")
        .annotate(last=Max("number"))
    )
    for row in rows:
        model = models[row.server, row.name]
        number = last.get(model.pk, 0) + 1
        last[model.pk] = number
        yield {
            "tracked": row.pk,
            "public_id": new_id("mdv"),
            "model": model.pk,
            "number": number,
            "label": f"{model.model_id} v{number}"[:200],
        }


def _insert(batch: str, project: Project, registered_by_id: int, origin: Origin) -> list[int]:
    """The versions with all that belongs to them; their keys."""
    # What an import brings is shown there once its bytes are here; the rest at once.
    shown = SyncState.SYNCED if origin == Origin.IMPORTED else SyncState.PENDING
    made = ask(
        adoption.VERSIONS,
        batch=batch,
        project=project.pk,
        registered_by=registered_by_id,
        origin=origin.value,
        sync_state=shown.value,
    )
    for statement in adoption.BELONGINGS:
        ask(statement, batch=batch, project=project.pk)
    return [key for (key,) in made]


def _announce(made: list[int], actor: Actor) -> None:
    for version in ModelVersion.objects.with_names().filter(pk__in=made).order_by("pk"):
        jobs.enqueue(
            COPY,
            subject=version.public_id,
            project_id=version.project_id,
            label=str(version),
        )
        record(
            "version:registered",
            subject=version.public_id,
            actor=actor,
            project_id=version.project_id,
            label=str(version),
            after={
                "model_id": version.model.model_id,
                "number": version.number,
                "source": version.source,
                "mlflow": f"{version.mlflow_name} {version.mlflow_version}",
                "origin": version.origin,
            },
        )


def enqueue_copies(server: str) -> int:
    """Queue the copies of what was imported and is not copied; how many. Safe to repeat."""
    waiting = ask(adoption.UNCOPIED, server=server, kind=COPY)
    with staged(
        {"public_id": new_id("job"), "version": key, "place": place // COPIES_PER_S}
        for place, (key,) in enumerate(waiting)
    ) as batch:
        ask(adoption.COPIES, batch=batch, kind=COPY)
    return len(waiting)
