from django.urls import path
from rest_framework.routers import SimpleRouter

from experiments.api.runs import RunViewSet
from experiments.api.trainings import RecipesView, TrainingViewSet
from experiments.api.views import (
    BenchmarkViewSet,
    ComparisonViewSet,
    EvaluationViewSet,
    ExperimentViewSet,
)

router = SimpleRouter(trailing_slash=False)
router.register("benchmarks", BenchmarkViewSet, basename="benchmark")
router.register("experiments", ExperimentViewSet, basename="experiment")
router.register("comparisons", ComparisonViewSet, basename="comparison")
router.register("evaluations", EvaluationViewSet, basename="evaluation")
router.register("runs", RunViewSet, basename="run")
router.register("trainings", TrainingViewSet, basename="training")

urlpatterns = [
    *router.urls,
    path("training-recipes", RecipesView.as_view(), name="training-recipes"),
]
