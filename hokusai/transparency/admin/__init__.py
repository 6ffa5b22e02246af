from hokusai.transparency.admin.records import LogRecordAdmin

__all__ = ["LogRecordAdmin"]
