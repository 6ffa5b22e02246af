"""A search as one statement, in a shape that the planner cannot get badly wrong.

Tags are met through the index (key, value, version), whose rows come in the order of versions, so
that a page of the newest stops early. What PostgreSQL cannot estimate (words, lineage, ranges) is
computed first, behind a fence: guessed at, it costs seconds.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from registry.search.criteria import MetricTerm, Order, TagTerm, VersionSearch
from registry.search.cursors import Place, place_of
from registry.search.viewers import Viewer
from registry.search.words import word_queries

Values = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Sql:
    """A part of a statement with the values of its placeholders."""

    text: str
    values: Values = ()


@dataclass(slots=True)
class Parts:
    """What a search adds to a statement over `registry_modelversion v`."""

    ctes: list[Sql] = field(default_factory=list)
    joins: list[Sql] = field(default_factory=list)
    wheres: list[Sql] = field(default_factory=list)

    def where(self, text: str, *values: Any) -> None:
        self.wheres.append(Sql(text, values))

    def among(self, name: str, body: Sql) -> None:
        """Only versions whose id a named query finds; it is run once, before all else."""
        self.ctes.append(Sql(f"{name} AS MATERIALIZED ({body.text})", body.values))
        self.wheres.append(Sql(f"v.id IN (SELECT id FROM {name})"))


def keys_of(search: VersionSearch, viewer: Viewer, *, limit: int) -> Sql:
    """A statement that answers id, public id and sort value of one page, in its order.

    It is planned anew for its values: a plan that serves all would meet tags in a fixed order, and
    read one of them whole for each row of another.
    """
    parts = _filtered(search, viewer)
    order = search.order
    if order.by == "metric":
        parts.joins.append(_metric_join(search))
    if place := place_of(search):
        parts.wheres.append(_beyond(place, order))
    direction = "DESC" if order.descending else "ASC"
    column = {"registration": "v.id", "number": "v.number", "metric": "s.value"}[order.by]
    by = f"{column} {direction}" + ("" if column == "v.id" else f", v.id {direction}")
    return _whole(parts, f"SELECT v.id, v.public_id, {column}", f"ORDER BY {by} LIMIT {limit:d}")


def matching(search: VersionSearch, viewer: Viewer, *, newest: int | None = None) -> Sql:
    """A whole statement that answers ids of what the filters hold for; order and page are not read.

    `newest`: no more than so many, the newest.
    """
    tail = "" if newest is None else f"ORDER BY v.id DESC LIMIT {newest:d}"
    return _whole(_filtered(search, viewer), "SELECT v.id", tail)


def joined(before: str, between: str, parts: Iterable[Sql]) -> Sql:
    """Parts one after the other."""
    kept = list(parts)
    values = tuple(value for part in kept for value in part.values)
    return Sql(before + between.join(part.text for part in kept), values)


def _whole(parts: Parts, select: str, tail: str) -> Sql:
    page = _statement(parts, select, tail)
    if not parts.ctes:
        return page
    ctes = joined("WITH ", ", ", parts.ctes)
    return Sql(f"{ctes.text} {page.text}", (*ctes.values, *page.values))


def _statement(parts: Parts, select: str, tail: str) -> Sql:
    joins = joined(" ", " ", parts.joins)
    wheres = joined(" WHERE ", " AND ", parts.wheres) if parts.wheres else Sql("")
    text = f"{select} FROM registry_modelversion v{joins.text}{wheres.text} {tail}"
    return Sql(text.rstrip(), (*joins.values, *wheres.values))


def _filtered(search: VersionSearch, viewer: Viewer) -> Parts:
    parts = Parts()
    if search.text:
        parts.among("texts", _texts(search.text))
    if search.dataset:
        parts.among("trained", _trained(search.dataset, viewer))
    if search.contributor:
        parts.among("given", _given(search.contributor, viewer))
    if search.tags:
        parts.joins.append(_tags(search.tags, search.order))
    _add_metrics(parts, search)
    _add_scope(parts, viewer)
    _add_columns(parts, search)
    return parts


def _add_scope(parts: Parts, viewer: Viewer) -> None:
    if viewer.everything:
        return
    one = len(viewer.projects) == 1
    parts.where(
        f"(v.project_id = {'%s' if one else 'ANY(%s)'} OR v.model_id = ANY(ARRAY("
        "SELECT h.model_id FROM registry_modelshare h"
        " WHERE h.project_id IS NULL OR h.project_id = ANY(%s)))"
        " AND v.security_level <> 'restricted')",
        viewer.projects[0] if one else list(viewer.projects),
        list(viewer.own),
    )


def _add_columns(parts: Parts, search: VersionSearch) -> None:
    _any_of(parts, "v.project_id", search.projects, "SELECT id FROM accounts_project WHERE slug")
    _any_of(parts, "v.model_id", search.models, "SELECT id FROM registry_model WHERE model_id")
    for column, wanted in (
        ("stage", search.stages),
        ("flavor", search.flavors),
        ("licence", search.licences),
        ("security_level", search.security_levels),
        ("artifact_state", search.artifact_states),
        ("sync_state", search.sync_states),
        ("origin", search.origins),
    ):
        _any_of(parts, f"v.{column}", wanted)
    for column, text in (("run_id", search.run_id), ("tree_digest", search.tree_digest)):
        if text:
            parts.where(f"v.{column} = %s", text)
    _add_time(parts, ">=", search.registered_after)
    _add_time(parts, "<", search.registered_before)


def _any_of(parts: Parts, column: str, wanted: tuple[str, ...], lookup: str = "") -> None:
    if not wanted:
        return
    one = len(wanted) == 1
    value: Any = wanted[0] if one else list(wanted)
    compared = "= %s" if one else "= ANY(%s)"
    if not lookup:
        parts.where(f"{column} {compared}", value)
    elif one:
        parts.where(f"{column} = ({lookup} {compared})", value)
    else:
        parts.where(f"{column} = ANY(ARRAY({lookup} {compared}))", value)


def _add_time(parts: Parts, comparison: str, moment: datetime | None) -> None:
    if moment is not None:
        parts.where(f"v.created_at {comparison} %s", moment)


def _tags(terms: tuple[TagTerm, ...], order: Order) -> Sql:
    """Versions that carry every tag, in the order of the page where that is by registration."""
    stated = [_tag(term, f"t{place}") for place, term in enumerate(_exact_first(terms))]
    tables = "registry_versiontag t0" + "".join(
        f" JOIN registry_versiontag t{place} ON t{place}.version_id = t0.version_id"
        for place in range(1, len(stated))
    )
    held = joined("", " AND ", stated)
    direction = "DESC" if order.descending else "ASC"
    by = f" ORDER BY t0.version_id {direction}" if order.by == "registration" else ""
    text = f"SELECT t0.version_id FROM {tables} WHERE {held.text}{by} OFFSET 0"
    return Sql(f"JOIN ({text}) tagged ON tagged.version_id = v.id", held.values)


def _exact_first(terms: tuple[TagTerm, ...]) -> list[TagTerm]:
    return sorted(terms, key=lambda term: term.comparison != "=")


def _tag(term: TagTerm, name: str) -> Sql:
    if term.comparison == "=":
        return Sql(f"{name}.key = %s AND {name}.value = %s", (term.key, term.value))
    return Sql(
        f"{name}.key = %s AND {name}.number {term.comparison} %s AND {name}.kind = %s",
        (term.key, term.number, term.kind),
    )


def _add_metrics(parts: Parts, search: VersionSearch) -> None:
    """The first range is computed first where nothing else narrows; others are looked up."""
    by_name = _by_name(search.metrics)
    if search.order.by == "metric":
        # The join that orders holds these already.
        by_name.pop(search.order.metric, None)
    for name, terms in by_name.items():
        held = joined("", " AND ", (_range("c", term) for term in terms))
        values = (name, *held.values)
        if parts.joins or parts.ctes or search.order.by == "metric":
            parts.where(
                "EXISTS (SELECT 1 FROM registry_versionmetric c"
                f" WHERE c.version_id = v.id AND c.key = %s AND {held.text})",
                *values,
            )
        else:
            body = "SELECT version_id AS id FROM registry_versionmetric c WHERE c.key = %s AND "
            parts.among("scored", Sql(body + held.text, values))


def _by_name(terms: tuple[MetricTerm, ...]) -> dict[str, list[MetricTerm]]:
    named: dict[str, list[MetricTerm]] = defaultdict(list)
    for term in terms:
        named[term.name].append(term)
    return dict(named)


def _range(name: str, term: MetricTerm) -> Sql:
    return Sql(f"{name}.value {term.comparison} %s", (term.value,))


def _metric_join(search: VersionSearch) -> Sql:
    name = search.order.metric
    terms = _by_name(search.metrics).get(name, [])
    held = joined(
        "", "", (Sql(f" AND {p.text}", p.values) for p in (_range("s", t) for t in terms))
    )
    text = f"JOIN registry_versionmetric s ON s.version_id = v.id AND s.key = %s{held.text}"
    return Sql(text, (name, *held.values))


def _texts(text: str) -> Sql:
    """Versions of models that all words name, and those that own words and the model's name."""
    queries = word_queries(text)
    return Sql(
        "SELECT w.id FROM registry_model m JOIN registry_modelversion w ON w.model_id = m.id"
        " WHERE m.words @@ to_tsquery('simple', %s)"
        " UNION SELECT w.id FROM registry_modelversion w"
        " JOIN registry_model m ON m.id = w.model_id"
        " WHERE w.words @@ to_tsquery('simple', %s)"
        " AND (w.words @@ to_tsquery('simple', %s)"
        " OR (m.words || w.words) @@ to_tsquery('simple', %s))",
        (queries.parts, queries.any_word, queries.whole, queries.parts),
    )


def _trained(public_id: str, viewer: Viewer) -> Sql:
    """Versions trained on a dataset; only datasets of one's own projects are known at all."""
    own = "" if viewer.everything else " AND e.project_id = ANY(%s)"
    return Sql(
        "SELECT x.modelversion_id AS id FROM registry_dataset e"
        " JOIN registry_datasetversion d ON d.dataset_id = e.id"
        " JOIN registry_modelversion_training_data x ON x.datasetversion_id = d.id"
        f" WHERE (e.public_id = %s OR d.public_id = %s){own}",
        (public_id, public_id, *(() if viewer.everything else (list(viewer.own),))),
    )


def _given(public_id: str, viewer: Viewer) -> Sql:
    """Versions trained on what a contributor gave, as far as one may know of contributions."""
    own = "" if viewer.everything else " AND gift.project_id = ANY(%s)"
    return Sql(
        "SELECT w.id FROM registry_lineagenode person"
        " JOIN registry_lineageedge a ON a.src_id = person.id AND a.kind = 'given_by'"
        f" JOIN registry_lineagenode gift ON gift.id = a.dst_id{own}"
        " JOIN registry_lineageedge b ON b.src_id = gift.id AND b.kind = 'given_as'"
        " JOIN registry_lineageedge c ON c.src_id = b.dst_id AND c.kind = 'trained_on'"
        " JOIN registry_lineagenode made ON made.id = c.dst_id"
        " JOIN registry_modelversion w ON w.public_id = made.public_id"
        " WHERE person.public_id = %s AND person.kind = 'contributor'",
        (*(() if viewer.everything else (list(viewer.own),)), public_id),
    )


def _beyond(place: Place, order: Order) -> Sql:
    side = "<" if order.descending else ">"
    last = "(SELECT l.id FROM registry_modelversion l WHERE l.public_id = %s)"
    if order.by == "registration":
        return Sql(f"v.id {side} {last}", (place.public_id,))
    if order.by == "number":
        return Sql(f"(v.number, v.id) {side} (%s, {last})", (int(place.sort), place.public_id))
    return Sql(f"(s.value, v.id) {side} (%s, {last})", (place.sort, place.public_id))
