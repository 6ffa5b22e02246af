from deployments.providers.base import (
    Block,
    Capability,
    DeploymentProvider,
    Endpoint,
    MatrixPrediction,
    Phase,
    Prediction,
    ProviderHealth,
    ProviderState,
    ReplicaStats,
    ServeSpec,
)
from deployments.providers.errors import (
    InvalidSpec,
    ModelError,
    ModelTooSlow,
    NotReady,
    ProviderNotFound,
    ProviderTimeout,
    ProviderUnavailable,
    Unsupported,
)
from hokusai.core.providers import ProviderHandler

providers: ProviderHandler[DeploymentProvider] = ProviderHandler(
    "DEPLOYMENT_PROVIDERS", DeploymentProvider
)

__all__ = [
    "Block",
    "Capability",
    "DeploymentProvider",
    "Endpoint",
    "InvalidSpec",
    "MatrixPrediction",
    "ModelError",
    "ModelTooSlow",
    "NotReady",
    "Phase",
    "Prediction",
    "ProviderHealth",
    "ProviderNotFound",
    "ProviderState",
    "ProviderTimeout",
    "ProviderUnavailable",
    "ReplicaStats",
    "ServeSpec",
    "Unsupported",
    "providers",
]
