from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from contributions import services
from contributions.api.filters import ContributionFilter, ImprovementFilter
from contributions.api.serializers import (
    ContributionSerializer,
    ImprovementSerializer,
    NewContributionSerializer,
)
from contributions.models import Contribution, Improvement
from hokusai.web.views import ReadViewSet
from registry.models import Model


class ContributionViewSet(ReadViewSet):
    queryset = Contribution.objects.with_names()
    serializer_class = ContributionSerializer
    filterset_class = ContributionFilter
    view_permission = "contributions.view_contribution"
    permissions: ClassVar = {
        "create": "contributions.add_contribution",
        "withdraw": "contributions.add_contribution",
    }
    ordering_fields = ("created_at",)

    @extend_schema(
        request={
            "multipart/form-data": NewContributionSerializer,
            "application/json": NewContributionSerializer,
        },
        responses={202: ContributionSerializer},
    )
    def create(self, request: Request) -> Response:
        """Give rows to a model under a licence; they are read and checked afterwards."""
        form = NewContributionSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        fields = form.validated_data
        models = Model.objects.select_related("project")
        model = self.find(models, "registry.view_model", "project", model_id=fields.pop("model_id"))
        self.check_object_permissions(request, model)
        given = services.submit_contribution(model=model, **fields, actor=self.actor)
        return Response(self.get_serializer(given).data, status=202)

    @extend_schema(request=None, responses=ContributionSerializer)
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, public_id: str) -> Response:
        """Take a contribution back, as long as no version was made from it."""
        services.withdraw_contribution(contribution_id=self.get_object().pk, actor=self.actor)
        return Response(self.get_serializer(self.get_object()).data)


class ImprovementViewSet(ReadViewSet):
    queryset = (
        Improvement.objects.with_names()
        .select_related("attestation")
        .prefetch_related("shares__contribution__wallet")
    )
    serializer_class = ImprovementSerializer
    filterset_class = ImprovementFilter
    view_permission = "contributions.view_improvement"
    project_path = "model__project"
    ordering_fields = ("created_at", "delta_ppm")
