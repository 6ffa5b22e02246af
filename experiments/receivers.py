from experiments import services
from hokusai.core.models import Event
from hokusai.core.subscribers import Subscriber


class CompareTrained(Subscriber):
    """Compares a trained candidate with the head once its files and its control's are kept."""

    tags = frozenset({"version:ready", "version:failed"})

    def receive(self, event: Event, *, operation_id: str) -> None:
        if event.tag == "version:ready":
            services.compare_trained(version=event.subject)
        else:
            services.tell_failed_arm(version=event.subject)
