from experiments import services
from experiments.models import Comparison
from hokusai.core.errors import InvalidInput
from hokusai.core.events import SYSTEM
from hokusai.core.models import Event
from hokusai.core.subscribers import Subscriber
from registry.choices import EdgeKind
from registry.models import LineageEdge


class CompareTrained(Subscriber):
    """Compares a trained candidate with the head once its files and its control's are kept."""

    tags = frozenset({"version:ready", "version:failed"})

    def receive(self, event: Event, *, operation_id: str) -> None:
        if event.tag == "version:ready":
            services.compare_trained(version=event.subject)
        else:
            services.tell_failed_arm(version=event.subject)


class MeasureCumulativeGain(Subscriber):
    """Measures a line's new head against its first version, once a comparison improved the line."""

    tags = frozenset({"improvement:recorded"})

    def receive(self, event: Event, *, operation_id: str) -> None:
        edges = LineageEdge.objects.filter(dst__public_id=event.subject, kind=EdgeKind.IMPROVED)
        comparisons = Comparison.objects.filter(public_id__in=edges.values("src__public_id"))
        comparison = comparisons.select_related("benchmark", "candidate__model").first()
        if comparison is None:
            return
        try:
            services.measure_cumulative_gain(
                model=comparison.candidate.model, benchmark=comparison.benchmark, actor=SYSTEM
            )
        except InvalidInput:
            # The benchmark retired meanwhile, or the head is the first version again.
            return
