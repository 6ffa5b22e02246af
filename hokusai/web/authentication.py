from collections.abc import Mapping
from typing import Any

from django.db.models import Prefetch, prefetch_related_objects
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from hokusai.accounts import keys
from hokusai.accounts.models import ApiKey, Membership, User
from hokusai.web.external.credential import ExternalCredential
from hokusai.web.external.directory import directory
from hokusai.web.external.tokens import token_of

REFUSED = "This API key is unknown, expired or revoked."
UNKNOWN_TOKEN = "This token is unknown, expired or revoked, or of nobody here."  # noqa: S105 -- a message


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer hok_…` or `X-API-Key`; `request.auth` is then the ApiKey."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        """The key's owner and the key; None where no key was sent.

        Raises AuthenticationFailed for a key that is unknown, expired or revoked.
        """
        secret = secret_of(request.headers)
        if secret is None:
            return None
        key = (
            ApiKey.objects.usable()
            .select_related("owner", "project")
            .filter(secret_hash=keys.secret_hash(secret))
            .first()
        )
        if key is None:
            raise AuthenticationFailed(REFUSED)
        return _confined(key), key

    def authenticate_header(self, request: Request) -> str:
        """What a 401 answers in `WWW-Authenticate`."""
        return 'Bearer realm="hokusai"'


class ExternalAuthentication(BaseAuthentication):
    """`Authorization: Bearer` with a token of the service at AUTH_SERVICE_URL, if there is one.

    `request.auth` is then an ExternalCredential, and `request.user` who it stands for, confined to
    its project as a key's owner is.
    """

    def authenticate(self, request: Request) -> tuple[User, ExternalCredential] | None:
        """Who the token stands for, and the token; None where no such token was sent.

        Raises AuthenticationFailed for one that is not valid, or of nobody here; IdentityUnknown,
        TooManyRequests.
        """
        kept = directory()
        token = token_of(request.headers) if kept is not None else ""
        if kept is None or not token:
            return None
        address = str(request.META.get("REMOTE_ADDR", ""))
        known = kept.identify(token, address)
        user = known and User.objects.filter(pk=known.identity.user_id, is_active=True).first()
        if known is None or not user:
            raise AuthenticationFailed(UNKNOWN_TOKEN)
        confine(user, known.identity.project_id)
        return user, ExternalCredential(known, kept, token, address)

    def authenticate_header(self, request: Request) -> str:
        """What a 401 answers in `WWW-Authenticate`."""
        return 'Bearer realm="hokusai"'


def secret_of(headers: Any) -> str | None:
    """The API key among a request's headers; None where there is none."""
    if offered := headers.get("X-API-Key"):
        return str(offered)
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() == "bearer" and token.startswith(keys.KEY_PREFIX):
        return str(token)
    return None


def secret_in(meta: Mapping[str, str]) -> str:
    """The API key in a request's META, as `secret_of` finds it in its headers; empty for none."""
    offered = meta.get("HTTP_X_API_KEY")
    if offered:
        return offered
    scheme, _, token = meta.get("HTTP_AUTHORIZATION", "").partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and token.startswith(keys.KEY_PREFIX) else ""


def _confined(key: ApiKey) -> User:
    """The owner as the key may act for them: in its project alone, and never as superuser."""
    owner: User = key.owner
    confine(owner, key.project_id)
    return owner


def confine(user: User, project_id: int) -> None:
    """Let a person act in one project alone, and never as superuser, until the request ends."""
    user.is_superuser = user.is_staff = False
    inside = Membership.objects.filter(project=project_id)
    # `visible_to` and `of_member` ask `user.memberships`, which is now of that project only.
    prefetch_related_objects([user], Prefetch("memberships", queryset=inside))
