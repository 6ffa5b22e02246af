from hokusai.core.ids import kind_of
from hokusai.core.models import Event
from hokusai.core.subscribers import Subscriber
from registry.sync import push_model, push_version

AGAIN = "version:sync-retried"


class MlflowPush(Subscriber):
    """Brings MLflow and a version in step whenever something about it changed on either side."""

    tags = frozenset(
        {
            "version:registered",
            "version:ready",
            "version:failed",
            "version:described",
            "version:tagged",
            AGAIN,
            "stage:changed",
            "conflict:resolved",
            "tracked-version:changed",
            "tracked-version:missing",
            "model:described",
            "tracked-model:changed",
        }
    )

    def receive(self, event: Event, *, operation_id: str) -> None:
        if kind_of(event.subject) == "mdl":
            push_model(event.subject)
        else:
            push_version(event.subject, remake=event.tag == AGAIN)
