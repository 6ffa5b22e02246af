from contributions import rollups, services, status_lists
from experiments.models import Comparison
from hokusai.core.events import SYSTEM
from hokusai.core.models import Event
from hokusai.core.subscribers import Subscriber


class CheckContribution(Subscriber):
    """Checks a contribution once its rows were read."""

    tags = frozenset({"dataset-version:usable", "dataset-version:refused"})

    def receive(self, event: Event, *, operation_id: str) -> None:
        if event.tag == "dataset-version:usable":
            services.begin_check(dataset_version=event.subject, actor=SYSTEM)
        else:
            services.refuse_unreadable(dataset_version=event.subject, actor=SYSTEM)


class MarkUsed(Subscriber):
    """Says of contributions that a version was made from them."""

    tags = frozenset({"version:registered"})

    def receive(self, event: Event, *, operation_id: str) -> None:
        services.mark_used(version=event.subject, actor=SYSTEM)


class CreditImprovement(Subscriber):
    """Records an accepted comparison as a gain, once the rows kept to confirm it were asked."""

    tags = frozenset({"comparison:accepted", "comparison:confirmed", "comparison:unconfirmed"})

    def receive(self, event: Event, *, operation_id: str) -> None:
        comparison = Comparison.objects.get(public_id=event.subject)
        services.record_improvement(comparison_id=comparison.pk, actor=SYSTEM)


class IssueStatusList(Subscriber):
    """Lists anew what stands once an attestation was completed or revoked."""

    tags = frozenset({"attestation:signed", "attestation:revoked"})

    def receive(self, event: Event, *, operation_id: str) -> None:
        status_lists.refresh()


class SumCredit(Subscriber):
    """Keeps the sums of credit in step with the attestations that stand."""

    tags = frozenset({"attestation:signed", "attestation:revoked"})

    def receive(self, event: Event, *, operation_id: str) -> None:
        rollups.roll_up(statement_id=event.subject)
