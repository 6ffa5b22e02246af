"""The lineage of anything, and what people ask of it: as JSON, CSV and PROV-JSON."""

from dataclasses import dataclass
from typing import Any, ClassVar

from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, PolymorphicProxySerializer, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from hokusai.web.exports import csv_answer, json_answer
from hokusai.web.views import ScopedViewSet
from registry.api import lineage_shapes as shapes
from registry.api.lineage_forms import (
    DownstreamQuerySerializer,
    DownstreamSerializer,
    EdgesPageSerializer,
    ExportQuerySerializer,
    GainQuerySerializer,
    GainSerializer,
    NodesPageSerializer,
    ProvSerializer,
    UsedBySerializer,
    WalkQuerySerializer,
)
from registry.lineage import (
    Graph,
    Node,
    Viewer,
    Walk,
    asked_version,
    downstream_of,
    edges_page,
    exports,
    gain_of,
    nodes_page,
    place_of,
    used_by,
    viewer_of,
)
from registry.models import DatasetVersion, Model

# Runs keep the tracking server's ids, attestations are named by a digest.
LINEAGE_ID = r"[a-z]+_[0-9A-Za-z_-]{1,76}"


def _answers(name: str, serializer: type[serializers.Serializer]) -> dict[Any, Any]:
    either = PolymorphicProxySerializer(
        component_name=f"{name}OrProv",
        serializers=[serializer, ProvSerializer],
        resource_type_field_name=None,
    )
    return {(200, "application/json"): either, (200, "text/csv"): OpenApiTypes.STR}


NODES = OpenApiExample(
    "A version and what it was trained on",
    {
        "nodes": [
            {
                "id": "mdv_01930000000070008000000000000001",
                "kind": "version",
                "label": "tides.forecast v2",
                "project": "tides",
                "hidden": False,
            },
            {
                "id": "hidden-5f0c1d2e3a4b5c6d",
                "kind": "dataset",
                "label": "hidden",
                "project": None,
                "hidden": True,
            },
        ],
        "next_cursor": "",
    },
    response_only=True,
)


class LineageViewSet(ScopedViewSet):
    """What led to anything that has a public id, and what came of it."""

    queryset = Model.objects.all()
    view_permission = "registry.view_model"
    filter_backends = ()
    pagination_class = None
    permissions: ClassVar = dict.fromkeys(
        ("nodes", "edges", "downstream", "used_by", "gain"), "registry.view_model"
    )

    @extend_schema(
        parameters=[WalkQuerySerializer], responses=NodesPageSerializer, examples=[NODES]
    )
    def nodes(self, request: Request, public_id: str) -> Response:
        """Show the things around one thing, page by page; it comes first itself."""
        walk, page = self._walk(public_id)
        found = nodes_page(walk, **page)
        nodes = found.nodes or [self._place(public_id)]
        shown = list(map(shapes.node, nodes))
        return Response({"nodes": shown, "next_cursor": found.next_cursor})

    @extend_schema(parameters=[WalkQuerySerializer], responses=EdgesPageSerializer)
    def edges(self, request: Request, public_id: str) -> Response:
        """Show how the things around one thing came from each other, page by page."""
        walk, page = self._walk(public_id)
        found = edges_page(walk, **page)
        shown = list(map(shapes.edge, found.edges))
        return Response({"edges": shown, "next_cursor": found.next_cursor})

    @extend_schema(
        parameters=[DownstreamQuerySerializer],
        responses=_answers("Downstream", DownstreamSerializer),
    )
    def downstream(self, request: Request, public_id: str) -> HttpResponse:
        """Show everything that came of a thing, the nearest first."""
        query = self._query(DownstreamQuerySerializer)
        export = query.pop("export", None)
        self._place(public_id)
        answer = downstream_of(
            public_id=public_id, user=request.user, only_project=self._only(), **query
        )
        files = Files(exports.downstream_table(answer), answer.graph, f"downstream-{public_id}")
        return answered(shapes.downstream(answer), files, export)

    @extend_schema(
        parameters=[ExportQuerySerializer], responses=_answers("UsedBy", UsedBySerializer)
    )
    def used_by(self, request: Request, dataset_id: str, number: int) -> HttpResponse:
        """Show which versions used a table: trained on it, or descended from one that was."""
        export = self._query(ExportQuerySerializer).get("export")
        tables = DatasetVersion.objects.filter(dataset__public_id=dataset_id)
        table = self.find(tables, "registry.view_dataset", "dataset__project", number=number)
        answer = used_by(public_id=table.public_id, user=request.user, only_project=self._only())
        files = Files(exports.uses_table(answer), answer.graph, f"used-by-{table.public_id}")
        return answered(shapes.uses(answer), files, export)

    @extend_schema(parameters=[GainQuerySerializer], responses=_answers("Gain", GainSerializer))
    def gain(self, request: Request, model_id: str) -> HttpResponse:
        """Show where a model's gain came from, step by step from its baseline to its head."""
        query = self._query(GainQuerySerializer)
        models = Model.objects.select_related("head")
        model = self.find(models, self.view_permission, "project", model_id=model_id)
        version = asked_version(model, query.get("version"))
        if version is None and "version" in query:
            raise Http404
        if version is None:
            return answered(shapes.NO_GAIN, NO_FILES, query.get("export"))
        answer = gain_of(version, self._viewer())
        files = Files(exports.gain_table(answer), answer.graph, f"gain-{version.public_id}")
        return answered(shapes.gain(answer), files, query.get("export"))

    def _query(self, form: type[serializers.Serializer]) -> dict[str, Any]:
        query = form(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        return dict(query.validated_data)

    def _only(self) -> int | None:
        return self.key.project_id if self.key else None

    def _viewer(self) -> Viewer:
        return viewer_of(self.request.user, only_project=self._only())

    def _walk(self, public_id: str) -> tuple[Walk, dict[str, Any]]:
        """Where the page is, once it is known that the thing itself may be seen."""
        query = self._query(WalkQuerySerializer)
        page = {"limit": query["limit"], "cursor": query["cursor"]}
        self._place(public_id)
        return Walk(public_id, self._viewer(), query["direction"], query["kinds"]), page

    def _place(self, public_id: str) -> Node:
        found = place_of(public_id, self._viewer())
        if found is None:
            raise Http404
        return found


@dataclass(frozen=True, slots=True)
class Files:
    """An answer as files: its table, the graph behind it, and what they are called."""

    table: exports.Table
    graph: Graph
    name: str


NO_FILES = Files(exports.Table(exports.GAIN_HEADERS, ()), Graph([], [], truncated=False), "gain")


def answered(shown: dict[str, Any], files: Files, export: str | None) -> HttpResponse:
    """An answer as it is wanted: JSON, a table or the graph behind it."""
    if export == "csv":
        return csv_answer(files.table.headers, files.table.rows, files.name)
    if export == "prov-json":
        return json_answer(exports.prov_document(files.graph), files.name)
    return Response(shown)
