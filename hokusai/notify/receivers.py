from hokusai.core.models import Event
from hokusai.core.subscribers import Subscriber
from hokusai.notify import services
from hokusai.notify.choices import TOPIC_OF_TAG


class TellMembers(Subscriber):
    """Queues mail and webhook messages about what members may want to hear of."""

    tags = frozenset(TOPIC_OF_TAG)

    def receive(self, event: Event, *, operation_id: str) -> None:
        services.announce(event=event)
