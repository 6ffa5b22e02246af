"""Before anything is signed: do the kept outcomes say again what the rows say?"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from contributions.algorithms.shares import (
    ROW_WEIGHTS,
    NothingToShare,
    Worth,
    split_by_rows,
    split_by_values,
    split_over_contributions,
)
from contributions.choices import AttributionStatus
from contributions.exceptions import SigningRefused
from contributions.models import Attribution, Contribution, Improvement
from experiments.choices import ComparisonStatus, ConfirmationStatus, Split
from experiments.exceptions import BenchmarkInvalid, Undecidable
from experiments.models import Comparison, Confirmation
from experiments.recomputation import Recomputed, recomputed
from hokusai.core.canonical import CanonicalError, parse_canonical
from hokusai.storage import stores
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
    _covered(improvement, again)
    for row in (comparison, improvement):
        _same("the gain", row.delta_ppm, again.decision.delta_ppm)
    confirmation = Confirmation.objects.filter(comparison=comparison).first()
    if confirmation is not None:
        _covered(improvement, _recompute_confirmation(comparison, confirmation))
    attribution = Attribution.objects.filter(improvement=improvement).first()
    if attribution is not None:
        _recompute_shares(improvement, attribution)


def _covered(improvement: Improvement, again: Recomputed) -> None:
    """What is payable is at most what the added data alone did, where that was measured."""
    effect = again.credit["data_effect_ppm"] if again.credit else improvement.payable_ppm
    if improvement.payable_ppm > effect:
        raise SigningRefused("More is payable than the added data did.")


def _recompute_confirmation(comparison: Comparison, confirmation: Confirmation) -> Recomputed:
    decided = {True: ConfirmationStatus.CONFIRMED, False: ConfirmationStatus.UNCONFIRMED}
    if confirmation.status not in decided.values():
        raise SigningRefused("The rows that are kept to confirm were not asked yet.")
    again = _agreeing(comparison, Split.CONFIRMATION, confirmation.statistics)
    _same("the confirmation", confirmation.status, decided[again.decision.accepted])
    _same("the confirmed gain", confirmation.delta_ppm, again.decision.delta_ppm)
    return again


def _recompute_shares(improvement: Improvement, attribution: Attribution) -> None:
    """Split again by the values that the attribution's report holds, or by new rows."""
    if attribution.status != AttributionStatus.DONE:
        raise SigningRefused("The credit is not worked out yet.")
    try:
        again = _split(attribution)
    except (ContentMissing, ContentDamaged, CanonicalError, LookupError, ValueError) as error:
        raise SigningRefused(f"The report of the attribution does not hold: {error}") from error
    stored = dict(improvement.shares.values_list("contribution__public_id", "basis_points"))
    _same("the shares", {name: points for name, points in stored.items() if points}, again)


def _split(attribution: Attribution) -> dict[str, int]:
    """Basis points by the contributions' public ids."""
    players = attribution.players
    names = [name for player in players for name in player["contributions"]]
    keys = dict(Contribution.objects.filter(public_id__in=names).values_list("public_id", "pk"))
    people = [
        {str(keys[name]): count for name, count in player["contributions"].items()}
        for player in players
    ]
    try:
        shares = _shares_of(attribution, people)
    except NothingToShare:
        return {}
    return {name: shares[str(key)] for name, key in keys.items() if shares.get(str(key))}


def _shares_of(attribution: Attribution, people: list[dict[str, int]]) -> dict[str, int]:
    """Basis points by contribution key. Raises NothingToShare."""
    if attribution.method == ROW_WEIGHTS:
        return split_by_rows({key: n for rows in people for key, n in rows.items()}).shares
    if not attribution.report_digest:
        return {}
    report = parse_canonical(stores["default"].get(attribution.report_digest))
    worths = [
        Worth(
            address=person["address"],
            value=int(person["valueE9"]),
            low=None if person["lowE9"] is None else int(person["lowE9"]),
            rows=rows,
        )
        for person, rows in zip(report["persons"], people, strict=True)
        if person.get("valueE9") is not None
    ]
    return split_over_contributions(worths, split_by_values(worths))


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
