from hokusai.core.providers import ProviderHandler
from hokusai.storage.base import ContentStore
from hokusai.storage.multipart.base import UploadStore

stores: ProviderHandler[ContentStore] = ProviderHandler("CONTENT_STORES", ContentStore)
uploads: ProviderHandler[UploadStore] = ProviderHandler("UPLOAD_STORES", UploadStore)

__all__ = ["ContentStore", "UploadStore", "stores", "uploads"]
