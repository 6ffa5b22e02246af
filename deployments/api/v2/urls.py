from django.urls import path, re_path

from deployments.api.v2.views import (
    AliveView,
    InferView,
    MetadataView,
    ModelReadyView,
    ServerView,
)
from hokusai.web.views import MODEL_ID

MODEL = rf"^v2/models/(?P<model_id>{MODEL_ID})(?:/versions/(?P<number>[1-9][0-9]{{0,8}}))?"
urlpatterns = [
    path("v2", ServerView.as_view(), name="v2-server"),
    path("v2/health/live", AliveView.as_view(), name="v2-live"),
    path("v2/health/ready", AliveView.as_view(), name="v2-ready"),
    re_path(rf"{MODEL}\Z", MetadataView.as_view(), name="v2-model"),
    re_path(rf"{MODEL}/ready\Z", ModelReadyView.as_view(), name="v2-model-ready"),
    re_path(rf"{MODEL}/infer\Z", InferView.as_view(), name="v2-infer"),
]
