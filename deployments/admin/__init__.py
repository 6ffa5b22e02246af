from deployments.admin.batches import BatchPredictionAdmin
from deployments.admin.deployments import DeploymentAdmin
from deployments.admin.revisions import RevisionAdmin

__all__ = ["BatchPredictionAdmin", "DeploymentAdmin", "RevisionAdmin"]
