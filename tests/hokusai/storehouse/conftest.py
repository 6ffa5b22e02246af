from tests.hokusai.storage.conftest import _store_process, store_process

__all__ = ["_store_process", "store_process"]
