"""Before anything is signed: do the kept outcomes say again what the rows say?"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from contributions.exceptions import SigningRefused
from contributions.models import Improvement
from experiments.choices import ComparisonStatus, ConfirmationStatus, Split
from experiments.exceptions import BenchmarkInvalid, Undecidable
from experiments.models import Comparison, Confirmation
from experiments.recomputation import Recomputed, recomputed
from hokusai.storage.base import ContentDamaged, ContentMissing


def recompute(improvement: Improvement) -> None:
    """Decide again from the content store and hold all against the rows.

    Raises SigningRefused with the first difference; StorageUnavailable to try again.
    """
    comparison = improvement.comparison
    if comparison.status != ComparisonStatus.ACCEPTED:
        raise SigningRefused(f"The comparison was {comparison.status}.")
    again = _agreeing(comparison, Split.SCREENING, comparison.statistics)
    _same("the reason", comparison.reason, again.decision.reason.value)
    for row in (comparison, improvement):
        _same("the gain", row.delta_ppm, again.decision.delta_ppm)
    confirmation = Confirmation.objects.filter(comparison=comparison).first()
    if confirmation is not None:
        _recompute_confirmation(comparison, confirmation)


def _recompute_confirmation(comparison: Comparison, confirmation: Confirmation) -> None:
    decided = {True: ConfirmationStatus.CONFIRMED, False: ConfirmationStatus.UNCONFIRMED}
    if confirmation.status not in decided.values():
        raise SigningRefused("The rows that are kept to confirm were not asked yet.")
    again = _agreeing(comparison, Split.CONFIRMATION, confirmation.statistics)
    _same("the confirmation", confirmation.status, decided[again.decision.accepted])
    _same("the confirmed gain", confirmation.delta_ppm, again.decision.delta_ppm)


def _agreeing(comparison: Comparison, split: Split, statistics: Mapping[str, Any]) -> Recomputed:
    """The decision as it is made again, once it agrees with what was stored."""
    again = _again(comparison, split)
    kept = dict(comparison.evaluations.filter(split=split).values_list("role", "outcomes_root"))
    for role, root in again.roots.items():
        _same(f"the root of the outcomes of the {role}", kept.get(role), root)
    _same("the evidence", statistics.get("evidence"), again.evidence)
    _agree("", asdict(again.decision), statistics)
    _agree("control.", again.credit or {}, statistics.get("control") or {})
    return again


def _again(comparison: Comparison, split: Split) -> Recomputed:
    try:
        return recomputed(comparison, split)
    except (ContentMissing, ContentDamaged) as error:
        raise SigningRefused(
            f"The outcomes per row are not what was measured ({split}): {error}"
        ) from error
    except (Undecidable, BenchmarkInvalid, ValueError, LookupError) as error:
        raise SigningRefused(f"The decision cannot be repeated ({split}): {error}") from error


def _agree(path: str, again: Any, stored: Any) -> None:
    """Whole numbers and texts must be equal; fractions stand beside whole numbers that are."""
    if isinstance(again, Mapping):
        for name, value in again.items():
            _agree(f"{path}{name}", value, _at(stored, name))
    elif isinstance(again, list | tuple):
        _same(f"the number of {path}", len(stored or ()), len(again))
        for place, (value, kept) in enumerate(zip(again, stored, strict=True)):
            _agree(f"{path}.{place}.", value, kept)
    elif not isinstance(again, float):
        _same(path, stored, again)


def _at(stored: Any, name: str) -> Any:
    return stored.get(name) if isinstance(stored, Mapping) else None


def _same(what: str, stored: Any, again: Any) -> None:
    if stored != again:
        raise SigningRefused(
            f"The rows do not say what their outcomes do: {what}.",
            stored=str(stored)[:100],
            again=str(again)[:100],
        )
