from datetime import timedelta

import redis
from django.conf import settings
from django.db.models.functions import Now

from hokusai.accounts.models import ApiKey
from hokusai.core.errors import OutsideUnavailable
from hokusai.core.models import Event
from hokusai.core.subscribers import Subscriber
from hokusai.web.external.shared import raise_epoch
from hokusai.web.gate import identity_key

RECENTLY = timedelta(minutes=5)


class ForgetRevokedKeys(Subscriber):
    """Takes revoked keys out of the cache at once; it would forget them within half a minute."""

    tags = frozenset({"api-key:revoked", "membership:removed"})

    def receive(self, event: Event, *, operation_id: str) -> None:
        revoked = ApiKey.objects.filter(
            project__public_id=event.subject, revoked_at__gt=Now() - RECENTLY
        )
        names = [identity_key(bytes(row)) for row in revoked.values_list("secret_hash", flat=True)]
        if not names:
            return
        try:
            with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1.0) as client:
                client.delete(*names)
        except redis.RedisError as error:
            raise OutsideUnavailable("Redis does not answer.") from error


class ForgetRemovedMembers(Subscriber):
    """Has tokens of another service asked about again when somebody left a project."""

    tags = frozenset({"membership:removed"})

    def receive(self, event: Event, *, operation_id: str) -> None:
        if settings.AUTH_SERVICE_URL:
            raise_epoch()
