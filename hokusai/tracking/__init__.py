from hokusai.core.providers import ProviderHandler
from hokusai.tracking.base import (
    RegisteredVersion,
    RunRecord,
    TrackingClient,
    TrackingNotFound,
    TrackingRefused,
    TrackingUnavailable,
    VersionPush,
)

tracking: ProviderHandler[TrackingClient] = ProviderHandler("TRACKING", TrackingClient)

__all__ = [
    "RegisteredVersion",
    "RunRecord",
    "TrackingClient",
    "TrackingNotFound",
    "TrackingRefused",
    "TrackingUnavailable",
    "VersionPush",
    "tracking",
]
