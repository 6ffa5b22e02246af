"""Reads for pages about keys."""

from django.utils import timezone

from hokusai.signers.choices import KeyState
from hokusai.signers.models import SigningKey


def state_now(key: SigningKey) -> KeyState:
    """Where a key stands at this moment."""
    return key.state_at(timezone.now())
