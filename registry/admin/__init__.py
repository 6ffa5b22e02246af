from registry.admin.datasets import DatasetAdmin, DatasetVersionAdmin
from registry.admin.models import ModelAdmin
from registry.admin.policies import PromotionPolicyAdmin
from registry.admin.promotions import PromotionAdmin
from registry.admin.versions import ModelVersionAdmin

__all__ = [
    "DatasetAdmin",
    "DatasetVersionAdmin",
    "ModelAdmin",
    "ModelVersionAdmin",
    "PromotionAdmin",
    "PromotionPolicyAdmin",
]
