"""Filters of the serving board."""

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from deployments.choices import DeploymentStatus, RevisionStatus
from deployments.models import Revision
from hokusai.accounts.models import Project
from hokusai.accounts.services import person_of

PROJECTS_MAX = 200


class ProjectFilter(DropdownFilter):
    """One of the projects that the person belongs to."""

    title = "project"
    parameter_name = "project"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        seen = Project.objects.of_member(person_of(request.user)).order_by("slug")
        return [(slug, slug) for slug in seen.values_list("slug", flat=True)[:PROJECTS_MAX]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(model__project__slug=self.value()) if self.value() else queryset


class StateFilter(DropdownFilter):
    """What a deployment does."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("live", "Live"),
            ("starting", "A rollout is under way"),
            ("failed", "The last rollout failed"),
            ("stopped", "Stopped"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "live":
                return _active(queryset).filter(_has(RevisionStatus.LIVE))
            case "starting":
                open_ = _has(RevisionStatus.PENDING, RevisionStatus.STARTING)
                return _active(queryset).filter(open_)
            case "failed":
                return _active(queryset).filter(_last_failed())
            case "stopped":
                return queryset.filter(status=DeploymentStatus.STOPPED)
        return queryset


def _active(queryset: QuerySet[Any]) -> QuerySet[Any]:
    return queryset.filter(status=DeploymentStatus.ACTIVE)


def _has(*statuses: RevisionStatus) -> Exists:
    return Exists(Revision.objects.filter(deployment=OuterRef("pk"), status__in=statuses))


def _last_failed() -> Exists:
    """Nothing newer came after a failed rollout."""
    newer = Revision.objects.filter(
        deployment=OuterRef("deployment"), number__gt=OuterRef("number")
    )
    failed = Revision.objects.filter(deployment=OuterRef("pk"), status=RevisionStatus.FAILED)
    return Exists(failed.filter(~Exists(newer)))
