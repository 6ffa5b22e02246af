"""Everything under `/api/`: version 1, its description, and pages that show it."""

from django.urls import include, path, re_path
from drf_spectacular.views import (
    SpectacularAPIView,
    SpectacularRedocView,
    SpectacularSwaggerView,
)
from rest_framework.routers import SimpleRouter

from hokusai.api.auth_hooks import AuthHookView
from hokusai.api.errors import absent
from hokusai.api.health import LiveView, ReadyView
from hokusai.api.hooks import MlflowHookView
from hokusai.api.metrics import MetricsView
from hokusai.api.operations import EventViewSet, JobViewSet
from hokusai.api.tokens import RefreshView, TokenView

router = SimpleRouter(trailing_slash=False)
router.register("jobs", JobViewSet, basename="job")
router.register("events", EventViewSet, basename="event")

v1 = [
    path("health/live", LiveView.as_view(), name="health-live"),
    path("health/ready", ReadyView.as_view(), name="health-ready"),
    path("metrics", MetricsView.as_view(), name="metrics"),
    path("hooks/auth", AuthHookView.as_view(), name="hooks-auth"),
    path("hooks/mlflow", MlflowHookView.as_view(), name="hooks-mlflow"),
    path("auth/token", TokenView.as_view(), name="token"),
    path("auth/token/refresh", RefreshView.as_view(), name="token-refresh"),
    *router.urls,
    path("", include("hokusai.api.accounts.urls")),
    path("", include("hokusai.api.notify.urls")),
    path("", include("hokusai.signers.api.urls")),
    path("", include("hokusai.transparency.api.urls")),
    path("", include("registry.api.urls")),
    path("", include("experiments.api.urls")),
    path("", include("contributions.api.urls")),
    path("", include("deployments.api.urls")),
]

urlpatterns = [
    path("api/v1/", include(v1)),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("api/redoc/", SpectacularRedocView.as_view(url_name="schema"), name="redoc"),
    re_path(r"^api/", absent),
    # Clients of the V2 inference protocol know no other prefix.
    path("", include("deployments.api.v2.urls")),
]
