from hokusai.core.providers import ProviderHandler
from registry.providers.base import ModelHub

hubs: ProviderHandler[ModelHub] = ProviderHandler("MODEL_HUBS", ModelHub)

__all__ = ["ModelHub", "hubs"]
