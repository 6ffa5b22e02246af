"""What the service says of a token, and who that is here."""

import hmac
import random
from dataclasses import dataclass
from typing import Any

import orjson
from django.conf import settings

from hokusai.accounts.choices import Scope
from hokusai.web.external.problems import IntrospectionFailed

MAX_NAME = 200
MAX_MODELS = 100
# Part of its time after which a verdict is asked for again before it ends.
EARLY = (0.8, 0.95)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The service's answer. `expires_at`: seconds since 1970."""

    active: bool
    subject: str = ""
    username: str = ""
    project: str = ""
    scopes: frozenset[str] = frozenset()
    model_ids: frozenset[str] = frozenset()
    expires_at: float | None = None


DENIED = Verdict(active=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """A person and a project of the platform that a token stands for, and since when.

    `asked_at`: seconds since 1970, when the service was asked; `epoch`: which of the platform's
    epochs was in force then.
    """

    public_id: str
    subject: str
    user_id: int
    project_id: int
    scopes: frozenset[str]
    model_ids: frozenset[str]
    expires_at: float | None
    asked_at: float
    epoch: str

    def ends(self, life_s: float) -> float:
        """When it ends that is kept for so long: never after the token itself."""
        end = self.asked_at + life_s
        return end if self.expires_at is None else min(end, self.expires_at)

    def ended(self, now: float) -> bool:
        """Whether the token itself has ended."""
        return self.expires_at is not None and self.expires_at <= now


def read_verdict(answer: bytes) -> Verdict:
    """The answer of RFC 7662, with `project` and `models` beside it.

    Raises IntrospectionFailed where it is out of form: that denies nobody.
    """
    try:
        stated = orjson.loads(answer)
    except orjson.JSONDecodeError as error:
        raise IntrospectionFailed("The answer is no JSON.") from error
    if not isinstance(stated, dict) or not isinstance(stated.get("active"), bool):
        raise IntrospectionFailed("The answer does not say whether the token is active.")
    return _active(stated) if stated["active"] else DENIED


def _active(stated: dict[str, Any]) -> Verdict:
    expires = stated.get("exp")
    models = stated.get("models") or []
    if expires is not None and (isinstance(expires, bool) or not isinstance(expires, int | float)):
        raise IntrospectionFailed("exp is no time.")
    if not isinstance(models, list) or len(models) > MAX_MODELS:
        raise IntrospectionFailed("models is no list of ids, or too long a one.")
    scopes = _text(stated.get("scope", ""), "scope").split()
    return Verdict(
        active=True,
        subject=_named(stated, "sub"),
        username=_named(stated, "username"),
        project=_named(stated, "project"),
        scopes=frozenset(scopes) & frozenset(Scope.values),
        model_ids=frozenset(_text(model, "models") for model in models),
        expires_at=None if expires is None else float(expires),
    )


def _named(stated: dict[str, Any], field: str) -> str:
    value = _text(stated.get(field), field)
    if not value:
        raise IntrospectionFailed(f"The answer lacks {field}.")
    return value


def _text(value: object, field: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_NAME or "\0" in value:
        raise IntrospectionFailed(f"{field} is no text, or too long a one.")
    return value


def token_key(token: str) -> str:
    """What a token is kept under: HMAC-SHA256 under the pepper, never the token itself."""
    return _keyed(b"token:" + token.encode())


def public_id_of(subject: str, project: str) -> str:
    """What limits, logs and events name somebody by, whatever token they come with."""
    return f"ext_{_keyed(orjson.dumps(['subject', subject, project]))[:32]}"


def early(fresh_s: float) -> float:
    """How old a verdict is when it is asked for again ahead of time; never twice the same."""
    return fresh_s * random.uniform(*EARLY)  # noqa: S311


def dump(identity: Identity) -> bytes:
    """What Redis keeps of an identity."""
    return orjson.dumps(
        [
            identity.public_id,
            identity.subject,
            identity.user_id,
            identity.project_id,
            sorted(identity.scopes),
            sorted(identity.model_ids),
            identity.expires_at,
            identity.asked_at,
            identity.epoch,
        ]
    )


def parse(kept: bytes) -> Identity:
    """The identity that `dump` wrote."""
    public_id, subject, user_id, project_id, scopes, models, *rest = orjson.loads(kept)
    return Identity(
        public_id, subject, user_id, project_id, frozenset(scopes), frozenset(models), *rest
    )


def _keyed(data: bytes) -> str:
    return hmac.digest(settings.API_KEY_PEPPER.encode(), data, "sha256").hex()
