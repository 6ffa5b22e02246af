from hokusai.core.models import Event
from hokusai.core.subscribers import Subscriber
from registry.sync import push_version


class MlflowPush(Subscriber):
    """Brings MLflow in step with a version whenever something about it changed here."""

    tags = frozenset(
        {
            "version:registered",
            "version:ready",
            "version:failed",
            "version:tagged",
            "version:sync-retried",
            "stage:changed",
        }
    )

    def receive(self, event: Event, *, operation_id: str) -> None:
        push_version(event.subject)
