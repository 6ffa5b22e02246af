"""What the tracking server holds and what it differs in, for those who keep both in step."""

from typing import Any, ClassVar

import django_filters
from django.db.models import Q, QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from hokusai.accounts.permissions import projects_where
from hokusai.web.permissions import KnownPerson
from hokusai.web.views import GuardedView, ReadViewSet
from registry import services
from registry.api.tracking_shapes import (
    AssignSerializer,
    ChoiceSerializer,
    MapSerializer,
    SyncConflictSerializer,
    SyncStatusSerializer,
    TrackedExperimentSerializer,
    TrackedIdsSerializer,
    TrackedVersionSerializer,
)
from registry.choices import ConflictState, MirrorState
from registry.models import SyncConflict, TrackedExperiment, TrackedVersion
from registry.services.mapping import CLAIM
from registry.sync_reports import sync_status

ASSIGNMENT = OpenApiExample(
    "Two versions",
    {
        "project": "tides",
        "ids": [
            "tvr_01930000000070008000000000000001",
            "tvr_01930000000070008000000000000002",
        ],
    },
    request_only=True,
)


class AdministratorOnly(KnownPerson):
    """Superusers in person: what lies in no project is nobody else's."""

    def has_permission(self, request: Request, view: Any) -> bool:
        known = super().has_permission(request, view)
        return known and request.auth is None and bool(request.user.is_superuser)

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        return self.has_permission(request, view)


class TrackedVersionFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=MirrorState.choices)
    missing = django_filters.BooleanFilter(
        field_name="missing_since", lookup_expr="isnull", exclude=True
    )

    class Meta:
        model = TrackedVersion
        fields = ("server", "name", "state", "run_id", "missing")


class TrackedVersionViewSet(ReadViewSet):
    """Versions of the tracking server: the inbox, and what was taken out of it."""

    queryset = TrackedVersion.objects.select_related("experiment", "version__model")
    serializer_class = TrackedVersionSerializer
    filterset_class = TrackedVersionFilter
    permission_classes = (AdministratorOnly,)
    view_permission = "registry.manage_tracking"

    def visible(self, queryset: Any, permission: str, path: str) -> QuerySet[Any]:
        """All: who may ask at all may see everything."""
        return queryset

    @extend_schema(
        request=AssignSerializer,
        responses=TrackedVersionSerializer(many=True),
        examples=[ASSIGNMENT],
        filters=False,
    )
    @action(detail=False, methods=["post"], pagination_class=None, filterset_class=None)
    def assign(self, request: Request) -> Response:
        """Take versions out of the inbox into a project; their bytes are copied afterwards."""
        form = AssignSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        project = self.checked_project(form.validated_data["project"])
        rows = self._rows(form.validated_data["ids"])
        services.assign_tracked(tracked_ids=rows, project=project, actor=self.actor)
        return self._answer(rows)

    @extend_schema(
        request=TrackedIdsSerializer,
        responses=TrackedVersionSerializer(many=True),
        filters=False,
    )
    @action(detail=False, methods=["post"], pagination_class=None, filterset_class=None)
    def ignore(self, request: Request) -> Response:
        """Put versions aside, out of the inbox."""
        return self._move(services.ignore_tracked)

    @extend_schema(
        request=TrackedIdsSerializer,
        responses=TrackedVersionSerializer(many=True),
        filters=False,
    )
    @action(detail=False, methods=["post"], pagination_class=None, filterset_class=None)
    def unignore(self, request: Request) -> Response:
        """Put versions back into the inbox."""
        return self._move(services.unignore_tracked)

    def _move(self, service: Any) -> Response:
        form = TrackedIdsSerializer(data=self.request.data)
        form.is_valid(raise_exception=True)
        rows = self._rows(form.validated_data["ids"])
        service(tracked_ids=rows, actor=self.actor)
        return self._answer(rows)

    def _rows(self, public_ids: list[str]) -> list[int]:
        found = TrackedVersion.objects.filter(public_id__in=public_ids)
        return list(found.values_list("pk", flat=True))

    def _answer(self, rows: list[int]) -> Response:
        shown = self.get_queryset().filter(pk__in=rows)
        return Response(TrackedVersionSerializer(shown, many=True).data)


class TrackedExperimentFilter(django_filters.FilterSet):
    project = django_filters.CharFilter(field_name="project__slug")
    mapped = django_filters.BooleanFilter(field_name="project", lookup_expr="isnull", exclude=True)

    class Meta:
        model = TrackedExperiment
        fields = ("server", "experiment_id", "name", "project", "mapped")


class TrackedExperimentViewSet(ReadViewSet):
    """Experiments of the tracking server, and the projects that they belong to.

    Members see those of their projects; an owner also sees those without a project whose tag
    `hokusai.project` names theirs, and may map them.
    """

    queryset = TrackedExperiment.objects.select_related("project", "mapped_by")
    serializer_class = TrackedExperimentSerializer
    filterset_class = TrackedExperimentFilter
    view_permission = "core.view_job"
    permissions: ClassVar = {
        "map": "registry.map_experiment",
        "unmap": "registry.manage_tracking",
    }
    person_only = ("map", "unmap")
    ordering_fields = ("name", "updated_at")

    def visible(self, queryset: Any, permission: str, path: str) -> QuerySet[Any]:
        rows = super().visible(queryset, permission, path)
        if self.request.user.is_superuser or self.key is not None:
            return rows
        owned = projects_where(self.request.user, "registry.map_experiment")
        claimed = Q(project__isnull=True, tags__has_key=CLAIM)
        claimed &= Q(**{f"tags__{CLAIM}__in": list(owned.values_list("slug", flat=True))})
        return queryset.filter(Q(pk__in=rows.values("pk")) | claimed)

    def check_object_permissions(self, request: Request, obj: Any) -> None:
        """Of what belongs to no project, who may see it was asked by the list."""
        if not isinstance(obj, TrackedExperiment) or obj.project is not None:
            super().check_object_permissions(request, obj)

    @extend_schema(request=MapSerializer, responses=TrackedExperimentSerializer)
    @action(detail=True, methods=["post"])
    def map(self, request: Request, public_id: str) -> Response:
        """Let an experiment's runs and versions belong to a project."""
        experiment = self.get_object()
        form = MapSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        project = self.checked_project(form.validated_data["project"])
        services.map_experiment(experiment_id=experiment.pk, project=project, actor=self.actor)
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=None, responses=TrackedExperimentSerializer)
    @action(detail=True, methods=["post"])
    def unmap(self, request: Request, public_id: str) -> Response:
        """Let an experiment belong to no project; its versions stay where they are."""
        experiment = self.get_object()
        self.check_object_permissions(request, experiment)
        services.unmap_experiment(experiment_id=experiment.pk, actor=self.actor)
        return Response(self.get_serializer(self.get_object()).data)


class SyncConflictFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=ConflictState.choices)
    model_id = django_filters.CharFilter(field_name="version__model__model_id")

    class Meta:
        model = SyncConflict
        fields = ("state", "model_id", "field")


class SyncConflictViewSet(ReadViewSet):
    """Fields of versions that were changed here and on the tracking server."""

    queryset = SyncConflict.objects.select_related("version__model__project", "resolved_by")
    serializer_class = SyncConflictSerializer
    filterset_class = SyncConflictFilter
    view_permission = "core.view_job"
    project_path = "version__project"
    permissions: ClassVar = {"resolve": "registry.register_version"}
    ordering_fields = ("created_at",)

    def check_object_permissions(self, request: Request, obj: Any) -> None:
        super().check_object_permissions(
            request, obj.version if isinstance(obj, SyncConflict) else obj
        )

    @extend_schema(request=ChoiceSerializer, responses=SyncConflictSerializer)
    @action(detail=True, methods=["post"])
    def resolve(self, request: Request, public_id: str) -> Response:
        """Decide which side's value stands, here and there."""
        conflict = self.get_object()
        form = ChoiceSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        services.resolve_conflict(conflict_id=conflict.pk, **form.validated_data, actor=self.actor)
        return Response(self.get_serializer(self.get_object()).data)


class SyncStatusView(GuardedView):
    """How far the registry and the tracking server are in step."""

    permission_classes: Any = (KnownPerson,)

    @extend_schema(responses=SyncStatusSerializer)
    def get(self, request: Request) -> Response:
        """Show lag, backlog, conflicts and the last looks, for the projects of whoever asks."""
        return Response(SyncStatusSerializer(sync_status(self.person)).data)
