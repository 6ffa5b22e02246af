"""The ordinary views at the addresses of `registry.api.hot`: the same functions, the same bytes."""

from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from hokusai.web.hot import HotAnswer, answered
from hokusai.web.views import GuardedView
from registry.api.bodies import chosen_fields, version_answer
from registry.api.hot import search_answer
from registry.api.serializers import ModelVersionSerializer
from registry.search import (
    FILTERS,
    Viewer,
    facets_of,
    given_in,
    read_search,
    refuse_unknown,
    viewer_of_key,
    viewer_of_person,
)
from registry.search.criteria import MAX_SIZE, MAX_TERMS
from registry.search.facets import CAP
from registry.search.reading import CHOICES

NOTES = {
    "text": "Words, or their beginnings, in names and descriptions of models and versions.",
    "tag": f"key=value, key>=number or key<=date; up to {MAX_TERMS}, which must all hold.",
    "metric": f"name>=number, name<=number or name=number; up to {MAX_TERMS}.",
    "project": "Slug of a project.",
    "model": "Model id.",
    "dataset": "Id of a dataset or of one of its versions that was used in training.",
    "contributor": "Id of a contributor whose data was used in training.",
    "registered_after": "ISO 8601; that moment included.",
    "registered_before": "ISO 8601; that moment excluded.",
}
REPEATED = ("tag", "metric", "project", "model", "flavor", "licence", *CHOICES)


def filter_parameters(*without: str) -> list[OpenApiParameter]:
    """The filters of a search as the API's description shows them."""
    return [
        OpenApiParameter(
            name,
            OpenApiTypes.STR,
            description=NOTES.get(name, ""),
            many=name in REPEATED,
            enum=CHOICES[name][1] if name in CHOICES else None,
        )
        for name in FILTERS
        if name not in without
    ]


PAGE = [
    OpenApiParameter(
        "ordering",
        description="newest (default), oldest, metric:<name>, -metric:<name>; within one model "
        "number and -number. By a metric, versions without it are left out.",
    ),
    OpenApiParameter(
        "page_size",
        {"type": "integer", "minimum": 1, "maximum": MAX_SIZE},
        description="Rows.",
    ),
    OpenApiParameter("cursor", description="From `next` of the page before, of the same search."),
    OpenApiParameter("fields", description="Names of fields to answer, separated by commas."),
]


class VersionPageSerializer(serializers.Serializer):
    """One page of versions."""

    next = serializers.URLField(allow_null=True)
    results = ModelVersionSerializer(many=True)


class CountSerializer(serializers.Serializer):
    value = serializers.CharField()
    count = serializers.IntegerField()


class TagCountsSerializer(serializers.Serializer):
    key = serializers.CharField()
    count = serializers.IntegerField()
    values = CountSerializer(many=True)


class FacetCountsSerializer(serializers.Serializer):
    stage = CountSerializer(many=True)
    flavor = CountSerializer(many=True)
    licence = CountSerializer(many=True)
    security_level = CountSerializer(many=True)
    project = CountSerializer(many=True)
    model = CountSerializer(many=True)


class FacetsSerializer(serializers.Serializer):
    total = serializers.IntegerField()
    at_least = serializers.BooleanField(help_text=f"whether more than {CAP} matched")
    counts = FacetCountsSerializer()
    tags = TagCountsSerializer(many=True)


class ReadingView(GuardedView):
    """Answers that plain functions make."""

    permissions: ClassVar = {"get": "registry.view_model"}

    def viewer(self) -> Viewer:
        """Whoever asks."""
        if self.key is not None:
            return viewer_of_key(self.key.project_id)
        return viewer_of_person(self.request.user)

    def respond(self, given: HotAnswer) -> HttpResponse:
        return answered(given, str(getattr(self.request, "request_id", "")))

    def asked(self) -> tuple[str, str]:
        """The query, and the address that it was put to."""
        request: Any = self.request
        return request.META.get("QUERY_STRING", ""), request.build_absolute_uri(request.path)


class VersionSearchView(ReadingView):
    """GET /api/v1/versions"""

    @extend_schema(
        operation_id="versions_search",
        parameters=[*filter_parameters(), *PAGE],
        responses=VersionPageSerializer,
    )
    def get(self, request: Request) -> HttpResponse:
        """Search versions."""
        return self.respond(search_answer(*self.asked(), self.viewer()))


class ModelVersionsView(ReadingView):
    """GET /api/v1/models/{model_id}/versions"""

    for_models = ("get",)

    @extend_schema(
        operation_id="models_versions_list",
        parameters=[*filter_parameters("model"), *PAGE],
        responses=VersionPageSerializer,
    )
    def get(self, request: Request, model_id: str) -> HttpResponse:
        """List versions of a model."""
        return self.respond(search_answer(*self.asked(), self.viewer(), model_id))


class VersionFacetsView(ReadingView):
    """GET /api/v1/versions/facets"""

    @extend_schema(
        operation_id="versions_facets", parameters=filter_parameters(), responses=FacetsSerializer
    )
    def get(self, request: Request) -> Response:
        """Count versions of a search by stage, flavor, project, licence, level, model and tags."""
        given = given_in(self.asked()[0])
        refuse_unknown(given, FILTERS)
        facets = facets_of(read_search(given), self.viewer())
        return Response(FacetsSerializer(facets).data)


class VersionView(ReadingView):
    """GET /api/v1/models/{model_id}/versions/{n}"""

    for_models = ("get",)

    @extend_schema(operation_id="models_versions_retrieve", responses=ModelVersionSerializer)
    def get(self, request: Request, model_id: str, number: str) -> HttpResponse:
        """Show one version; of a retired one also when it goes and what replaces it."""
        return self.respond(self.answer(model_id, number))

    def answer(self, model_id: str, which: str) -> HotAnswer:
        """The version, with the fields asked for."""
        given = given_in(self.asked()[0])
        refuse_unknown(given, ("fields",))
        fields = chosen_fields(given.get("fields", ()))
        return version_answer(model_id, which, self.viewer(), fields)


class NamedVersionView(VersionView):
    """GET /api/v1/models/{model_id}/versions/production, …/latest"""

    which: ClassVar[str] = ""

    def get(self, request: Request, model_id: str) -> HttpResponse:  # type: ignore[override]
        return self.respond(self.answer(model_id, self.which))


class ProductionVersionView(NamedVersionView):
    which = "production"

    @extend_schema(operation_id="models_versions_production", responses=ModelVersionSerializer)
    def get(self, request: Request, model_id: str) -> HttpResponse:  # type: ignore[override]
        """Show the version that is in production."""
        return super().get(request, model_id)


class LatestVersionView(NamedVersionView):
    which = "latest"

    @extend_schema(operation_id="models_versions_latest", responses=ModelVersionSerializer)
    def get(self, request: Request, model_id: str) -> HttpResponse:  # type: ignore[override]
        """Show the version that was registered last."""
        return super().get(request, model_id)
