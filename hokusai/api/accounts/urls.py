from django.urls import path
from rest_framework.routers import SimpleRouter

from hokusai.api.accounts.views import (
    AcceptInvitationView,
    ApiKeyViewSet,
    MeView,
    ProjectViewSet,
)

router = SimpleRouter(trailing_slash=False)
router.register("projects", ProjectViewSet, basename="project")
router.register("api-keys", ApiKeyViewSet, basename="api-key")

urlpatterns = [
    path("me", MeView.as_view(), name="me"),
    path("invitations/accept", AcceptInvitationView.as_view(), name="invitation-accept"),
    path(
        "projects/<slug:slug>/members/<str:username>",
        ProjectViewSet.as_view({"put": "set_member", "delete": "remove_member"}),
        name="project-member",
    ),
    *router.urls,
]
