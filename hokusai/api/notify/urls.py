from django.urls import path
from rest_framework.routers import SimpleRouter

from hokusai.api.notify.views import (
    NotificationsView,
    ProjectNotificationsView,
    WebhookDeliveryViewSet,
    WebhookViewSet,
)
from hokusai.web.views import PUBLIC_ID

router = SimpleRouter(trailing_slash=False)
router.register("webhooks", WebhookViewSet, basename="webhook")
router.register(
    rf"webhooks/(?P<webhook_id>{PUBLIC_ID})/deliveries",
    WebhookDeliveryViewSet,
    basename="webhook-delivery",
)

urlpatterns = [
    path("notifications", NotificationsView.as_view(), name="notifications"),
    path(
        "notifications/<slug:slug>",
        ProjectNotificationsView.as_view(),
        name="project-notifications",
    ),
    *router.urls,
]
