from django_filters import rest_framework as filters

from deployments.choices import DeploymentStatus, RevisionStatus
from deployments.models import Deployment, Revision


class DeploymentFilter(filters.FilterSet):
    """Which deployments to list."""

    model_id = filters.CharFilter(field_name="model__model_id")
    status = filters.ChoiceFilter(choices=DeploymentStatus.choices)

    class Meta:
        model = Deployment
        fields = ("model_id", "slug", "environment", "status", "provider")


class RevisionFilter(filters.FilterSet):
    """Which revisions to list."""

    status = filters.ChoiceFilter(choices=RevisionStatus.choices)

    class Meta:
        model = Revision
        fields = ("status",)
