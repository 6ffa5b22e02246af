"""How much of an improvement is payable, and why where nothing is."""

from dataclasses import dataclass

from contributions.algorithms import sampling, shapley
from contributions.models import Improvement
from experiments.choices import ConfirmationStatus
from experiments.models import Comparison, Confirmation

BY_RETRAINING = (shapley.METHOD, sampling.METHOD)


@dataclass(frozen=True, slots=True)
class Payment:
    """`ppm`: millionths of the metric; `reason`: empty where something is payable."""

    ppm: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ground:
    """What an attribution found that a payment depends on.

    `reproduced`: the full coalition gave the candidate's own outcomes and none the control's;
    `attributed_ppm`: what all persons together are worth, None where that is the data's whole
    effect.
    """

    method: str
    has_control: bool
    reproduced: bool
    has_shares: bool
    attributed_ppm: int | None = None


def payment_of(improvement: Improvement, ground: Ground) -> Payment:
    """What untouched rows confirm, at most the gain over the head and the effect of the data."""
    comparison = improvement.comparison
    if reason := _objection(comparison, ground):
        return Payment(0, reason)
    confirmation = Confirmation.objects.get(comparison=comparison)
    bounds = [
        improvement.delta_ppm,
        confirmation.delta_ppm or 0,
        *_effects(comparison.statistics),
        *_effects(confirmation.statistics),
    ]
    if ground.attributed_ppm is not None:
        bounds.append(ground.attributed_ppm)
    ppm = min(bounds)
    return Payment(ppm) if ppm > 0 else Payment(0, "no_data_effect")


def _objection(comparison: Comparison, ground: Ground) -> str:
    if not ground.has_control:
        return "no_control"
    if ground.method not in BY_RETRAINING:
        return "indicative_method"
    if not ground.reproduced:
        return "not_reproduced"
    if not comparison.benchmark.confirmation_ppm:
        return "no_confirmation_split"
    found = Confirmation.objects.filter(comparison=comparison).first()
    if found is None or found.status != ConfirmationStatus.CONFIRMED:
        return "unconfirmed"
    return "" if ground.has_shares else "no_positive_share"


def _effects(statistics: dict[str, object]) -> list[int]:
    """The effect of the added data alone, where a control was measured."""
    control = statistics.get("control")
    if not isinstance(control, dict):
        return []
    return [int(control["data_effect_ppm"])]
