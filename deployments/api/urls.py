from django.urls import re_path
from rest_framework.routers import SimpleRouter

from deployments.api.batch_views import BatchViewSet
from deployments.api.log_views import PredictionExportViewSet, PredictionLogViewSet
from deployments.api.prediction_views import DeploymentPredictView, ModelPredictView
from deployments.api.receipt_views import ReceiptViewSet
from deployments.api.views import DeploymentViewSet, RevisionViewSet
from hokusai.web.views import MODEL_ID, PUBLIC_ID

router = SimpleRouter(trailing_slash=False)
router.register("deployments", DeploymentViewSet, basename="deployment")
router.register(
    rf"deployments/(?P<deployment_id>{PUBLIC_ID})/revisions", RevisionViewSet, basename="revision"
)
router.register(
    rf"deployments/(?P<deployment_id>{PUBLIC_ID})/predictions",
    PredictionLogViewSet,
    basename="logged-prediction",
)
router.register(
    rf"deployments/(?P<deployment_id>{PUBLIC_ID})/prediction-exports",
    PredictionExportViewSet,
    basename="prediction-export",
)
router.register("prediction-receipts", ReceiptViewSet, basename="prediction-receipt")
router.register("batch-predictions", BatchViewSet, basename="batch-prediction")
urlpatterns = [
    re_path(
        rf"^models/(?P<model_id>{MODEL_ID})/predict\Z",
        ModelPredictView.as_view(),
        name="model-predict",
    ),
    re_path(
        rf"^deployments/(?P<public_id>{PUBLIC_ID})/predict\Z",
        DeploymentPredictView.as_view(),
        name="deployment-predict",
    ),
    *router.urls,
]
