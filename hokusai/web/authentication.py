from typing import Any

from django.db.models import Prefetch, prefetch_related_objects
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from hokusai.accounts import keys
from hokusai.accounts.models import ApiKey, Membership, User

REFUSED = "This API key is unknown, expired or revoked."


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


def secret_of(headers: Any) -> str | None:
    """The API key among a request's headers; None where there is none."""
    if offered := headers.get("X-API-Key"):
        return str(offered)
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() == "bearer" and token.startswith(keys.KEY_PREFIX):
        return str(token)
    return None


def _confined(key: ApiKey) -> User:
    """The owner as the key may act for them: in its project alone, and never as superuser."""
    owner: User = key.owner
    owner.is_superuser = owner.is_staff = False
    inside = Membership.objects.filter(project=key.project)
    # `visible_to` and `of_member` ask `user.memberships`, which is now the key's project only.
    prefetch_related_objects([owner], Prefetch("memberships", queryset=inside))
    return owner
