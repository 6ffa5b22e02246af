from deployments.admin.deployments import DeploymentAdmin
from deployments.admin.revisions import RevisionAdmin

__all__ = ["DeploymentAdmin", "RevisionAdmin"]
