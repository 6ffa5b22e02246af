from registry.admin.conflicts import SyncConflictAdmin
from registry.admin.datasets import DatasetAdmin, DatasetVersionAdmin
from registry.admin.inbox import InboxAdmin
from registry.admin.models import ModelAdmin
from registry.admin.policies import PromotionPolicyAdmin
from registry.admin.promotions import PromotionAdmin
from registry.admin.tracked_experiments import TrackedExperimentAdmin
from registry.admin.tracking_imports import SyncPassAdmin, TrackingImportAdmin
from registry.admin.versions import ModelVersionAdmin

__all__ = [
    "DatasetAdmin",
    "DatasetVersionAdmin",
    "InboxAdmin",
    "ModelAdmin",
    "ModelVersionAdmin",
    "PromotionAdmin",
    "PromotionPolicyAdmin",
    "SyncConflictAdmin",
    "SyncPassAdmin",
    "TrackedExperimentAdmin",
    "TrackingImportAdmin",
]
