from django.urls import path

from hokusai.transparency.api.views import (
    CheckpointsView,
    CheckpointView,
    ConsistencyView,
    InclusionView,
    LeavesView,
)

urlpatterns = [
    path("log/checkpoint", CheckpointView.as_view(), name="log-checkpoint"),
    path("log/checkpoints", CheckpointsView.as_view(), name="log-checkpoints"),
    path("log/proof", InclusionView.as_view(), name="log-proof"),
    path("log/consistency", ConsistencyView.as_view(), name="log-consistency"),
    path("log/leaves", LeavesView.as_view(), name="log-leaves"),
]
