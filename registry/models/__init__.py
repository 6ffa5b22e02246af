from registry.models.artifacts import (
    ArtifactScan,
    ArtifactSignature,
    OnnxConversion,
    Upload,
    UploadFile,
)
from registry.models.datasets import Dataset, DatasetVersion, RowDigest
from registry.models.lineage import LineageEdge, LineageNode
from registry.models.mirror import (
    SyncConflict,
    SyncPass,
    TrackedExperiment,
    TrackedModel,
    TrackedVersion,
    TrackingImport,
    TrackingIntake,
    WebhookReceipt,
)
from registry.models.promotions import (
    Promotion,
    PromotionApproval,
    PromotionPolicy,
    StageChange,
)
from registry.models.sharing import ModelShare
from registry.models.versions import Model, ModelVersion, VersionMetric, VersionTag

__all__ = [
    "ArtifactScan",
    "ArtifactSignature",
    "Dataset",
    "DatasetVersion",
    "LineageEdge",
    "LineageNode",
    "Model",
    "ModelShare",
    "ModelVersion",
    "OnnxConversion",
    "Promotion",
    "PromotionApproval",
    "PromotionPolicy",
    "RowDigest",
    "StageChange",
    "SyncConflict",
    "SyncPass",
    "TrackedExperiment",
    "TrackedModel",
    "TrackedVersion",
    "TrackingImport",
    "TrackingIntake",
    "Upload",
    "UploadFile",
    "VersionMetric",
    "VersionTag",
    "WebhookReceipt",
]
