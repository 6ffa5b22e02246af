from hokusai.core.providers import ProviderHandler
from hokusai.tracking.base import (
    ExperimentRecord,
    MetricPoint,
    ModelRecord,
    Page,
    RegisteredVersion,
    RunRecord,
    TrackingClient,
    TrackingNotFound,
    TrackingReader,
    TrackingRefused,
    TrackingUnavailable,
    VersionPush,
    VersionRecord,
)

tracking: ProviderHandler[TrackingClient] = ProviderHandler("TRACKING", TrackingClient)

__all__ = [
    "ExperimentRecord",
    "MetricPoint",
    "ModelRecord",
    "Page",
    "RegisteredVersion",
    "RunRecord",
    "TrackingClient",
    "TrackingNotFound",
    "TrackingReader",
    "TrackingRefused",
    "TrackingUnavailable",
    "VersionPush",
    "VersionRecord",
    "tracking",
]
