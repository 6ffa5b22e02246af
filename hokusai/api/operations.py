"""Jobs and events: what is under way, and what happened."""

from typing import Any, ClassVar

import django_filters
from django.db.models import OuterRef, QuerySet, Subquery
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from hokusai.accounts.models import Project
from hokusai.core import services
from hokusai.core.choices import WorkStatus
from hokusai.core.models import Event, Job
from hokusai.web.filters import MomentFilter
from hokusai.web.serializers import ReadModelSerializer
from hokusai.web.views import ReadViewSet

PROJECT_SLUG = Subquery(Project.objects.filter(pk=OuterRef("project_id")).values("slug")[:1])


class JobSerializer(ReadModelSerializer):
    project = serializers.CharField(source="project_slug", allow_null=True)

    class Meta:
        model = Job
        fields = (
            "id",
            "kind",
            "subject",
            "subject_label",
            "project",
            "status",
            "attempt",
            "progress",
            "log",
            "last_error",
            "cancel_requested",
            "created_at",
            "finished_at",
            "request_id",
        )


class EventSerializer(ReadModelSerializer):
    project = serializers.CharField(source="project_slug", allow_null=True)

    class Meta:
        model = Event
        fields = (
            "id",
            "tag",
            "recorded_at",
            "actor",
            "actor_label",
            "project",
            "subject",
            "subject_label",
            "before",
            "after",
            "request_id",
            "digest",
        )


class JobFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=WorkStatus.choices)
    project = django_filters.CharFilter(field_name="project_slug")

    class Meta:
        model = Job
        fields = ("kind", "subject", "status", "project")


class EventFilter(django_filters.FilterSet):
    project = django_filters.CharFilter(field_name="project_slug")
    since = MomentFilter(field_name="recorded_at", lookup_expr="gte")
    until = MomentFilter(field_name="recorded_at", lookup_expr="lt")

    class Meta:
        model = Event
        fields = ("tag", "subject", "actor", "project", "since", "until")


class _OfProjectKey(ReadViewSet):
    """Rows that carry their project's key without a relation, as core knows no projects."""

    project_path = "project_id"

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().annotate(project_slug=PROJECT_SLUG)

    def check_object_permissions(self, request: Request, obj: Any) -> None:
        if isinstance(obj, Job | Event):
            obj.project = _project(obj.project_id)  # type: ignore[union-attr]
        super().check_object_permissions(request, obj)


class JobViewSet(_OfProjectKey):
    queryset = Job.objects.all()
    serializer_class = JobSerializer
    filterset_class = JobFilter
    view_permission = "core.view_job"
    permissions: ClassVar = {"cancel": "core.change_job", "retry": "core.change_job"}
    ordering_fields = ("created_at",)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, public_id: str) -> Response:
        """Stop a job: at once while it waits, at its next step while it runs."""
        services.cancel_job(job_id=self.get_object().pk, actor=self.actor)
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, public_id: str) -> Response:
        """Queue an ended job again."""
        services.retry_job(job_id=self.get_object().pk, actor=self.actor)
        return Response(self.get_serializer(self.get_object()).data)


class EventViewSet(_OfProjectKey):
    queryset = Event.objects.all()
    serializer_class = EventSerializer
    filterset_class = EventFilter
    view_permission = "core.view_event"
    ordering_fields = ("recorded_at",)


def _project(project_id: int | None) -> Project | None:
    return Project.objects.filter(pk=project_id).first() if project_id else None
