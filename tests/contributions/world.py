"""What the tests of contributions share: people who give digits, and versions made from them."""

from typing import Any

from contributions import services
from contributions.models import Contribution
from experiments.models import Comparison
from hokusai.accounts.choices import Role
from hokusai.accounts.services import actor_of
from registry.models import ModelVersion
from tests.factories import ComparisonFactory, member, wallet_address
from tests.measuring import ANNA, BASE, BEN, Bench, settle, table, usable

# Where the models do not matter, few rows are as good as many.
FEW = slice(BASE.start, BASE.start + 20)


def give(of: Bench, content: bytes, *, checked: bool = True, **changes: Any) -> Contribution:
    """Give rows to the bench's model and, where `checked`, let the workers check them."""
    given: dict[str, Any] = {
        "model": of.model,
        "address": wallet_address(),
        "content": content,
        "file_format": "csv",
        "licence": "CC0-1.0",
        "label_column": "label",
        "actor": actor_of(member(of.project, Role.CONTRIBUTOR)),
    }
    contribution = services.submit_contribution(**(given | changes))
    if checked:
        settle()
    return Contribution.objects.get(pk=contribution.pk)


def baseline_of(of: Bench, digest: str) -> ModelVersion:
    """A version that was trained on some digits."""
    return of.version(digest, usable(of.project, table(FEW)))


def candidate_of(
    of: Bench, digest: str, baseline: ModelVersion, *given: Contribution
) -> ModelVersion:
    """A version that was trained on the baseline's digits and on what was given."""
    data = [*baseline.training_data.all(), *(item.dataset_version for item in given)]
    return of.version(digest, *data, parent=baseline)


def accepted(of: Bench, *given: Contribution) -> Comparison:
    """An accepted comparison that nobody measured, of versions made from real rows."""
    baseline = baseline_of(of, f"{1:064x}")
    comparison: Comparison = ComparisonFactory(
        benchmark=of.benchmark,
        baseline=baseline,
        candidate=candidate_of(of, f"{2:064x}", baseline, *given),
        status="accepted",
        delta_ppm=50_000,
    )
    return comparison


def measured(of: Bench, workshop: Any) -> tuple[Comparison, Contribution, Contribution]:
    """A comparison that the runner measured, of a candidate made with two people's rows."""
    anna, ben = (give(of, table(slice(part.start, part.start + 20))) for part in (ANNA, BEN))
    baseline = baseline_of(of, workshop.model("baseline"))
    candidate = candidate_of(of, workshop.model("honest"), baseline, anna, ben)
    return of.compare(baseline, candidate), anna, ben
