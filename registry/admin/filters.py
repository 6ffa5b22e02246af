"""The console's filters of versions: the names, values and SQL of `GET /api/v1/versions`."""

import re
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter, TextFilter

from hokusai.core.errors import InvalidInput
from hokusai.core.fields import DIGEST
from registry.choices import ArtifactState, SecurityLevel, Stage, SyncState
from registry.search import Viewer, matching, read_search, viewer_of_person

BETWEEN = ";"
VERSION_ID = re.compile(r"mdv_[0-9a-f]{32}\Z")
HEXADECIMAL = re.compile(r"[0-9a-f]+\Z")
RUN = 32


def narrowed(
    request: HttpRequest, queryset: QuerySet[Any], given: dict[str, list[str]]
) -> QuerySet[Any]:
    """Rows that filters hold for; none, and a message that tells why, for what cannot be read."""
    try:
        search = read_search(given)
    except InvalidInput as error:
        messages.error(request, str(error))
        return queryset.none()
    keys = matching(search, _viewer(request))
    return queryset.filter(pk__in=RawSQL(keys.text, keys.values))  # noqa: S611


def found_by_text(request: HttpRequest, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
    """Rows that words, a version's id, a digest or a run name."""
    term = term.strip()
    if VERSION_ID.match(term):
        return queryset.filter(public_id=term)
    if HEXADECIMAL.match(term) and len(term) == DIGEST:
        return queryset.filter(tree_digest=term)
    if HEXADECIMAL.match(term) and len(term) == RUN:
        return queryset.filter(run_id=term)
    return narrowed(request, queryset, {"text": [term]}) if term else queryset


def _viewer(request: HttpRequest) -> Viewer:
    """Read once per request."""
    viewer: Viewer | None = request.__dict__.get("_search_viewer")
    if viewer is None:
        viewer = request.__dict__["_search_viewer"] = viewer_of_person(request.user)
    return viewer


class StatedFilter(TextFilter):
    """Values that somebody types; several with a semicolon between them, or the name repeated."""

    def __init__(self, request: HttpRequest, params: dict[str, Any], *rest: Any) -> None:
        texts = params.get(self.parameter_name, [])
        super().__init__(request, params, *rest)
        stated = f"{BETWEEN} ".join(texts)
        if stated:
            self.used_parameters[self.parameter_name] = stated

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Rows that hold all that was typed."""
        values = [part.strip() for part in (self.value() or "").split(BETWEEN) if part.strip()]
        return narrowed(request, queryset, {self.parameter_name: values}) if values else queryset


class ChosenFilter(DropdownFilter):
    """One of the values that are known."""

    known: tuple[tuple[str, str], ...] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> tuple[tuple[str, str], ...]:
        return self.known

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Rows with that value; an unknown one is told of."""
        value = self.value()
        return narrowed(request, queryset, {self.parameter_name: [value]}) if value else queryset


def _stated(name: str, title: str) -> type[StatedFilter]:
    return type(f"{name}_filter", (StatedFilter,), {"parameter_name": name, "title": title})


def _chosen(name: str, title: str, choices: Any) -> type[ChosenFilter]:
    fields = {"parameter_name": name, "title": title, "known": tuple(choices.choices)}
    return type(f"{name}_filter", (ChosenFilter,), fields)


VERSION_FILTERS = (
    _chosen("stage", "stage", Stage),
    _stated("tag", "tag: key=value; key>=number"),
    _stated("metric", "metric: name>=number"),
    _stated("project", "project"),
    _stated("model", "model id"),
    _stated("flavor", "format"),
    _stated("licence", "licence"),
    _stated("dataset", "dataset's id"),
    _stated("contributor", "contributor's id"),
    _stated("registered_after", "registered after"),
    _stated("registered_before", "registered before"),
    _chosen("security_level", "security level", SecurityLevel),
    _chosen("artifact_state", "artifact", ArtifactState),
    _chosen("sync_state", "MLflow", SyncState),
)
