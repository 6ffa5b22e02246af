from tests.measuring import measuring, workshop

__all__ = ["measuring", "workshop"]
