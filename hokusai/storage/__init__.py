from hokusai.core.providers import ProviderHandler
from hokusai.storage.base import ContentStore

stores: ProviderHandler[ContentStore] = ProviderHandler("CONTENT_STORES", ContentStore)

__all__ = ["ContentStore", "stores"]
