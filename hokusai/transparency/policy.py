"""How the log is named, who witnesses it and how many are needed."""

from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from hokusai.signers.choices import Purpose
from hokusai.signers.models import SigningKey
from hokusai.transparency.algorithms.notes import COSIGNATURE, NoteError, NoteKey, checked_name


@dataclass(frozen=True, slots=True)
class Witness:
    """Who cosigns, and where it is asked."""

    url: str
    key: NoteKey

    @property
    def name(self) -> str:
        """The name of its key."""
        return self.key.name


def log_origin() -> str:
    """The name of this log, which its checkpoints begin with."""
    stated: str = settings.LOG_ORIGIN
    return stated or f"{settings.INSTANCE_NAME}/{settings.ENVIRONMENT_NAME}/log"


def log_key(public_pem: str) -> NoteKey:
    """A key of the log as notes name it. Raises NoteError."""
    return NoteKey.of_pem(log_origin(), public_pem)


def log_keys() -> list[NoteKey]:
    """Every key that ever signed checkpoints here, the newest first."""
    keys = SigningKey.objects.of(Purpose.LOG).values_list("public_pem", flat=True)
    return [log_key(pem) for pem in keys]


def witnesses() -> tuple[Witness, ...]:
    """Those of the setting WITNESSES. Raises ImproperlyConfigured."""
    found = tuple(_witness(stated) for stated in settings.WITNESSES)
    if len({witness.name for witness in found}) != len(found):
        raise ImproperlyConfigured("Two of WITNESSES have the same name.")
    return found


def threshold() -> int:
    """How many of them must have cosigned. Raises ImproperlyConfigured."""
    needed: int = settings.WITNESS_THRESHOLD
    if not 0 <= needed <= len(settings.WITNESSES):
        raise ImproperlyConfigured(
            "WITNESS_THRESHOLD is between 0 and how many WITNESSES there are."
        )
    return needed


def check() -> None:
    """Raises ImproperlyConfigured, or NoteError for an origin that no note can carry."""
    checked_name(log_origin())
    witnesses()
    threshold()


def _witness(stated: object) -> Witness:
    if not isinstance(stated, dict) or set(stated) != {"url", "key"}:
        raise ImproperlyConfigured('Each of WITNESSES is {"url": …, "key": "name+hash+base64"}.')
    try:
        key = NoteKey.of_text(str(stated["key"]))
    except NoteError as error:
        raise ImproperlyConfigured(f"A key in WITNESSES is wrong: {error}") from error
    if key.kind != COSIGNATURE:
        raise ImproperlyConfigured(f"The key of {key.name} in WITNESSES is no witness'.")
    if not str(stated["url"]).startswith(("https://", "http://")):
        raise ImproperlyConfigured(f"The address of {key.name} in WITNESSES is no URL.")
    return Witness(str(stated["url"]), key)
