from deployments.providers.base import (
    DeploymentProvider,
    Endpoint,
    ModelError,
    Phase,
    Prediction,
    ProviderState,
    ServeSpec,
)
from hokusai.core.providers import ProviderHandler

providers: ProviderHandler[DeploymentProvider] = ProviderHandler(
    "DEPLOYMENT_PROVIDERS", DeploymentProvider
)

__all__ = [
    "DeploymentProvider",
    "Endpoint",
    "ModelError",
    "Phase",
    "Prediction",
    "ProviderState",
    "ServeSpec",
    "providers",
]
