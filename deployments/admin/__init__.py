from deployments.admin.batches import BatchPredictionAdmin
from deployments.admin.deployments import DeploymentAdmin
from deployments.admin.prediction_log import PredictionLogAdmin
from deployments.admin.receipts import PredictionReceiptAdmin
from deployments.admin.revisions import RevisionAdmin

__all__ = [
    "BatchPredictionAdmin",
    "DeploymentAdmin",
    "PredictionLogAdmin",
    "PredictionReceiptAdmin",
    "RevisionAdmin",
]
