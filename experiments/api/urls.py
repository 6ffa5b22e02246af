from rest_framework.routers import SimpleRouter

from experiments.api.runs import RunViewSet
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

urlpatterns = router.urls
