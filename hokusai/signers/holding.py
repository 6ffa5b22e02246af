"""The private keys that this process holds: those that the setting SIGNERS names."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from hokusai.signers.backends.base import KeyBackend
from hokusai.signers.backends.signer import Signer
from hokusai.signers.choices import Purpose
from hokusai.signers.exceptions import SignerUnusable

NAMED = ":"


def signers_for(purpose: str) -> list[Signer]:
    """Every key of a purpose in this process: `purpose`, then `purpose:<name>` by name.

    [] where the setting names none. Raises SignerUnusable, SignerUnavailable for one that is named
    and cannot sign.
    """
    wanted = Purpose(purpose)
    stated: Mapping[str, Any] = settings.SIGNERS
    names = sorted(name for name in stated if name.split(NAMED)[0] == wanted)
    return [Signer.of(wanted, _backend(stated[name])) for name in names]


def signer_for(purpose: str) -> Signer:
    """The first key of a purpose in this process.

    Raises SignerUnusable where there is none, as in every process but the signer's, or it cannot
    sign; SignerUnavailable where its keeper did not answer.
    """
    found = signers_for(purpose)
    if not found:
        label = Purpose(purpose).label
        raise SignerUnusable(f"This process holds no key for {label}; the signer's queue does.")
    return found[0]


def _backend(stated: Mapping[str, Any]) -> KeyBackend:
    backend = import_string(stated["BACKEND"])
    if not issubclass(backend, KeyBackend):
        raise ImproperlyConfigured(f"{stated['BACKEND']} keeps no keys.")
    made: KeyBackend = backend(**stated.get("OPTIONS", {}))
    return made
