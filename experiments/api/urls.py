from django.urls import path, re_path
from rest_framework.routers import SimpleRouter

from experiments.api.benchmarks import BenchmarkViewSet
from experiments.api.cumulative import CumulativeGainViewSet
from experiments.api.runs import RunViewSet
from experiments.api.trainings import RecipesView, TrainingViewSet
from experiments.api.views import (
    ComparisonViewSet,
    EvaluationViewSet,
    ExperimentViewSet,
)
from hokusai.web.views import MODEL_ID

router = SimpleRouter(trailing_slash=False)
router.register("benchmarks", BenchmarkViewSet, basename="benchmark")
router.register("experiments", ExperimentViewSet, basename="experiment")
router.register("comparisons", ComparisonViewSet, basename="comparison")
router.register("evaluations", EvaluationViewSet, basename="evaluation")
router.register("runs", RunViewSet, basename="run")
router.register("trainings", TrainingViewSet, basename="training")

urlpatterns = [
    *router.urls,
    re_path(
        rf"^models/(?P<model_id>{MODEL_ID})/cumulative-gain\Z",
        CumulativeGainViewSet.as_view({"get": "gains", "post": "measure"}),
        name="cumulative-gain",
    ),
    path("training-recipes", RecipesView.as_view(), name="training-recipes"),
]
