from hokusai.core.models import Event
from hokusai.core.subscribers import Subscriber
from hokusai.transparency import services


class LogKeyEvents(Subscriber):
    """Logs that a key was introduced, retired or compromised."""

    tags = frozenset({"key:introduced", "key:retired", "key:compromised"})

    def receive(self, event: Event, *, operation_id: str) -> None:
        services.log_key_event(event=event)
