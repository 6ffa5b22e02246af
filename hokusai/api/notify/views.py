from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from hokusai.accounts.models import Project
from hokusai.api.notify.filters import WebhookDeliveryFilter, WebhookFilter
from hokusai.api.notify.serializers import (
    NewChoicesSerializer,
    NewWebhookSerializer,
    ProjectChoicesSerializer,
    ShownWebhookSerializer,
    WebhookChangeSerializer,
    WebhookDeliverySerializer,
    WebhookSerializer,
)
from hokusai.notify import services
from hokusai.notify.models import Webhook, WebhookDelivery
from hokusai.notify.reports import ProjectChoices, choices_of
from hokusai.web.permissions import KnownPerson
from hokusai.web.views import GuardedView, ReadViewSet

CHOICES = OpenApiExample(
    "Requests, and no news of versions",
    {"choices": {"promotion.requested": True, "version.ready": False, "stage.changed": None}},
    request_only=True,
)
NEW_WEBHOOK = OpenApiExample(
    "To a chat",
    {
        "project": "tides",
        "url": "https://hooks.example.org/hokusai",
        "topics": ["promotion.requested", "promotion.decided"],
    },
    request_only=True,
)


class NotificationsView(GuardedView):
    permission_classes = (KnownPerson,)

    @extend_schema(responses=ProjectChoicesSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List what one is told of by mail, in each of one's projects."""
        project = Project.objects.get(pk=self.key.project_id) if self.key else None
        return Response(ProjectChoicesSerializer(choices_of(self.person, project), many=True).data)


class ProjectNotificationsView(GuardedView):
    permissions: ClassVar = {
        "get": "notify.use_notifications",
        "put": "notify.use_notifications",
    }
    person_only = ("put",)

    @extend_schema(responses=ProjectChoicesSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """Show what one is told of by mail in a project."""
        return Response(ProjectChoicesSerializer(self._own(self._project(slug))).data)

    @extend_schema(
        request=NewChoicesSerializer, responses=ProjectChoicesSerializer, examples=[CHOICES]
    )
    def put(self, request: Request, slug: str) -> Response:
        """Choose what one is told of by mail in a project."""
        form = NewChoicesSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        project = self._project(slug)
        services.choose(project=project, user=self.person, **form.validated_data, actor=self.actor)
        return Response(ProjectChoicesSerializer(self._own(project)).data)

    def _project(self, slug: str) -> Project:
        """One of the person's own: to others it is as if absent, also where they may see it."""
        project = Project.objects.filter(slug=slug, memberships__user=self.person).first()
        if project is None:
            raise Http404
        self.check_object_permissions(self.request, project)
        return project

    def _own(self, project: Project) -> ProjectChoices:
        return choices_of(self.person, project)[0]


class WebhookViewSet(ReadViewSet):
    queryset = Webhook.objects.present().select_related("project", "made_by")
    serializer_class = WebhookSerializer
    filterset_class = WebhookFilter
    view_permission = "notify.manage_webhooks"
    permissions: ClassVar = {
        "create": "notify.manage_webhooks",
        "partial_update": "notify.manage_webhooks",
        "destroy": "notify.manage_webhooks",
        "rotate": "notify.manage_webhooks",
        "test": "notify.manage_webhooks",
    }
    secret_fields = ("secret",)
    ordering_fields = ("created_at",)

    @extend_schema(
        request=NewWebhookSerializer,
        responses={201: ShownWebhookSerializer},
        examples=[NEW_WEBHOOK],
    )
    def create(self, request: Request) -> Response:
        """Tell an address of a project's events; the secret is shown this once."""
        form = NewWebhookSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        fields = form.validated_data
        project = self.checked_project(fields.pop("project"))
        shown = services.create_webhook(project=project, **fields, actor=self.actor)
        return _shown(shown, status=201)

    @extend_schema(request=WebhookChangeSerializer, responses=WebhookSerializer)
    def partial_update(self, request: Request, public_id: str) -> Response:
        """Change a webhook's address or topics, or switch it on or off."""
        form = WebhookChangeSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        webhook = services.change_webhook(
            webhook_id=self.get_object().pk, **form.validated_data, actor=self.actor
        )
        return Response(WebhookSerializer(webhook).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, public_id: str) -> Response:
        """Remove a webhook; nothing is sent to it any more."""
        services.remove_webhook(webhook_id=self.get_object().pk, actor=self.actor)
        return Response(status=204)

    @extend_schema(request=None, responses=ShownWebhookSerializer)
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, public_id: str) -> Response:
        """Give a webhook a new secret, shown this once; the old one signs as well for 24 hours."""
        shown = services.rotate_secret(webhook_id=self.get_object().pk, actor=self.actor)
        return _shown(shown)

    @extend_schema(request=None, responses={202: WebhookDeliverySerializer})
    @action(detail=True, methods=["post"])
    def test(self, request: Request, public_id: str) -> Response:
        """Send a message that tries the webhook out; what came of it is in its deliveries."""
        delivery = services.send_test(webhook_id=self.get_object().pk, actor=self.actor)
        delivery.refresh_from_db()
        return Response(WebhookDeliverySerializer(delivery).data, status=202)


class WebhookDeliveryViewSet(ReadViewSet):
    queryset = WebhookDelivery.objects.select_related("event", "webhook__project")
    serializer_class = WebhookDeliverySerializer
    filterset_class = WebhookDeliveryFilter
    view_permission = "notify.manage_webhooks"
    project_path = "webhook__project"
    permissions: ClassVar = {"resend": "notify.manage_webhooks"}
    ordering_fields = ("created_at",)

    def get_queryset(self) -> QuerySet[Any]:
        """Those of the webhook in the path, if one may see it."""
        deliveries = super().get_queryset().prefetch_related("attempts")
        if getattr(self, "swagger_fake_view", False):
            return deliveries
        public_id = self.kwargs["webhook_id"]
        webhook = self.find(
            Webhook.objects.present(), self.view_permission, "project", public_id=public_id
        )
        return deliveries.filter(webhook=webhook)

    @extend_schema(request=None, responses={202: WebhookDeliverySerializer})
    @action(detail=True, methods=["post"])
    def resend(self, request: Request, webhook_id: str, public_id: str) -> Response:
        """Send a message again, under the same id and with fresh attempts."""
        services.resend(delivery_id=self.get_object().pk, actor=self.actor)
        return Response(WebhookDeliverySerializer(self.get_object()).data, status=202)


def _shown(shown: services.Shown, status: int = 200) -> Response:
    shown.row.secret = shown.secret
    return Response(ShownWebhookSerializer(shown.row).data, status=status)
