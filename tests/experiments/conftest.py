from tests.answers import answering
from tests.measuring import measuring, workshop

__all__ = ["answering", "measuring", "workshop"]
