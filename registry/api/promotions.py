"""Asking for a stage, deciding, and what a project asks for before it."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from hokusai.web.views import GuardedView, ReadViewSet
from registry import services
from registry.api.filters import PromotionFilter
from registry.api.govern_serializers import (
    CommentSerializer,
    NewPolicySerializer,
    NewPromotionSerializer,
    PolicySerializer,
    PromotionSerializer,
)
from registry.choices import Stage
from registry.models import ModelVersion, Promotion

ASKING = OpenApiExample(
    "To production",
    {
        "target": "production",
        "comment": "Better on held-out rows.",
        "evidence": "https://example.org/reports/42",
    },
    request_only=True,
)
POLICY = OpenApiExample(
    "Two persons within three days",
    {
        "blocking": ["artifact_verified", "scan_reviewed", "benchmark_passed"],
        "approvals": 2,
        "roles": ["reviewer", "owner"],
        "expires_after_h": 72,
    },
    request_only=True,
)


class PromotionViewSet(ReadViewSet):
    queryset = Promotion.objects.select_related(
        "version__model__project", "version__project", "requested_by", "decided_by"
    ).prefetch_related("approvals__approver")
    serializer_class = PromotionSerializer
    filterset_class = PromotionFilter
    view_permission = "registry.view_model"
    project_path = "version__model__project"
    permissions: ClassVar = {
        "ask": "registry.request_promotion",
        "approve": "registry.decide_promotion",
        "refuse": "registry.decide_promotion",
        "cancel": "registry.request_promotion",
    }
    person_only = ("approve", "refuse")
    ordering_fields = ("created_at",)

    def get_queryset(self) -> QuerySet[Any]:
        promotions = super().get_queryset()
        if "number" in self.kwargs:
            promotions = promotions.filter(version__in=self._versions().values("pk"))
        return promotions

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if "number" in kwargs:
            self._version()
        return super().list(request, *args, **kwargs)

    @extend_schema(
        request=NewPromotionSerializer, responses={201: PromotionSerializer}, examples=[ASKING]
    )
    def ask(self, request: Request, model_id: str, number: int) -> Response:
        """Ask to move a version to a stage; the checks run and are kept with the request."""
        version = self._version()
        self.check_object_permissions(request, version)
        form = NewPromotionSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        promotion = services.request_promotion(
            version_id=version.pk, **form.validated_data, actor=self.actor
        )
        return Response(self.get_serializer(promotion).data, status=201)

    @extend_schema(request=CommentSerializer, responses=PromotionSerializer)
    def approve(self, request: Request, **kwargs: Any) -> Response:
        """Approve a promotion; the last approval that the policy asks for carries it out.

        By a person without a part in the version.
        """
        return self._decide(services.approve_promotion)

    @extend_schema(request=CommentSerializer, responses=PromotionSerializer)
    def refuse(self, request: Request, **kwargs: Any) -> Response:
        """Refuse a promotion; one refusal ends it."""
        return self._decide(services.refuse_promotion)

    @extend_schema(request=None, responses=PromotionSerializer)
    def cancel(self, request: Request, **kwargs: Any) -> Response:
        """Take a promotion's request back."""
        services.cancel_promotion(promotion_id=self.get_object().pk, actor=self.actor)
        return Response(self.get_serializer(self.get_object()).data)

    def _decide(self, service: Any) -> Response:
        promotion = self.get_object()
        form = CommentSerializer(data=self.request.data)
        form.is_valid(raise_exception=True)
        service(promotion_id=promotion.pk, **form.validated_data, actor=self.actor)
        return Response(self.get_serializer(self.get_object()).data)

    def _versions(self) -> QuerySet[Any]:
        return ModelVersion.objects.filter(
            model__model_id=self.kwargs["model_id"], number=self.kwargs["number"]
        )

    def _version(self) -> ModelVersion:
        versions = self._versions().select_related("model__project")
        found: ModelVersion = self.find(versions, self.view_permission, "model__project")
        return found


class PoliciesView(GuardedView):
    """GET /api/v1/projects/{slug}/promotion-policies"""

    permissions: ClassVar = {"get": "registry.view_model"}

    @extend_schema(operation_id="policies_list", responses=PolicySerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """Show what a project asks before a version enters each stage."""
        policies = services.policies_of(self.checked_project(slug))
        return Response(PolicySerializer(policies, many=True).data)


class PolicyView(GuardedView):
    """PUT /api/v1/projects/{slug}/promotion-policies/{stage}"""

    permissions: ClassVar = {"put": "registry.manage_policy"}
    person_only = ("put",)

    @extend_schema(
        operation_id="policies_update",
        request=NewPolicySerializer,
        responses=PolicySerializer,
        examples=[POLICY],
    )
    def put(self, request: Request, slug: str, stage: str) -> Response:
        """State what is asked before a version enters a stage; open requests keep theirs."""
        project = self.checked_project(slug)
        form = NewPolicySerializer(data=request.data)
        form.is_valid(raise_exception=True)
        services.set_policy(
            project=project, stage=Stage(stage), **form.validated_data, actor=self.actor
        )
        return Response(PolicySerializer(services.policy_for(project, Stage(stage))).data)
