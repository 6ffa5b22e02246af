"""An attestation's statement in words and numbers."""

from collections.abc import Mapping
from typing import Any

import orjson

from contributions.models import Attestation
from hokusai.web import markup
from hokusai.web.panels import Panel, table

BASIS = 100
SCALE = 1_000_000


def predicate_of(obj: Attestation) -> dict[str, Any]:
    """The statement's predicate; empty while nothing is signed."""
    if not obj.statement:
        return {}
    found: dict[str, Any] = orjson.loads(obj.statement).get("predicate", {})
    return found


def claim(predicate: Mapping[str, Any]) -> Panel:
    """The statement in words and numbers."""
    return table(
        "What it says",
        ("What", "Value", "Detail"),
        _claims(predicate) if predicate else [],
        empty="Nothing is signed yet: the signer decides again from the outcomes first.",
        hint="Values as signed: differences above zero are better.",
    )


def _claims(predicate: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    metrics, policy = predicate["metrics"], predicate["decision"]["policy"]
    rows: list[tuple[Any, ...]] = [_metric_row(metric) for metric in metrics]
    attempt = predicate["evaluation"]["attempt"]
    number = attempt["number"] if isinstance(attempt, dict) else attempt
    rows += [
        ("Attempt", f"{number} on these rows", f"level {_e9(metrics[0]['test']['alphaE9'])}"),
        ("Rows", f"{predicate['benchmark']['sampleCount']:,}", predicate["benchmark"]["id"]),
        ("Policy", policy["name"], f"minimum gain {_number(policy['minimumGain'])}"),
        _confirmation_row(predicate.get("confirmation")),
        _credit_row(predicate.get("credit")),
        _spread_row(predicate.get("seedSpread")),
        _payable_row(predicate["attribution"]),
        ("Issuer", predicate["issuer"]["instance"], predicate["issuer"]["environment"]),
    ]
    return rows


def _metric_row(metric: Mapping[str, Any]) -> tuple[Any, ...]:
    interval = metric["interval"]
    kind = "decides" if metric["primary"] else "guards"
    bounds = f"{_number(interval['low'])} and {_number(interval['high'])}"
    return (
        f"{metric['name']} ({kind})",
        f"{_number(metric['delta'], sign=True)} {metric['unit']}",
        f"between {bounds}, p {_e9(metric['test']['pE9'])} by {metric['test']['method']}",
    )


def _confirmation_row(found: Mapping[str, Any] | None) -> tuple[Any, ...]:
    if not found or "absent" in found:
        return ("Confirmation", "none", "the benchmark keeps no rows to confirm")
    verdict = "confirmed" if found["confirmed"] else "not confirmed"
    return (
        "Confirmation",
        f"{verdict}: {_number(found['delta'], sign=True)}",
        f"on {found['rows']:,} rows that no decision had touched",
    )


def _credit_row(found: Mapping[str, Any] | None) -> tuple[Any, ...]:
    if not found:
        return ("Control", "none", "data and engineering are not told apart")
    return (
        "Control",
        f"data {_number(found['dataEffect'], sign=True)}",
        f"engineering {_number(found['engineeringEffect'], sign=True)}",
    )


def _spread_row(found: Mapping[str, Any] | None) -> tuple[Any, ...]:
    if not found:
        return ("Seeds", "one", "no spread over trainings is stated")
    spread = f"{_number(found['lowest'], sign=True)} to {_number(found['highest'], sign=True)}"
    return ("Seeds", str(found["seeds"]), spread)


def _payable_row(found: Mapping[str, Any]) -> tuple[Any, ...]:
    if "payable" not in found:
        return ("Credit", found["method"], "")
    if found["payable"]:
        return ("Credit", found["method"], f"payable {_number(found['payableGain'])}")
    reason = found.get("payableReason", "").replace("_", " ")
    return ("Credit", found["method"], f"nothing is payable: {reason}")


def _number(ppm: int, *, sign: bool = False) -> str:
    return f"{ppm / SCALE:+.6f}" if sign else f"{ppm / SCALE:.6f}"


def _e9(value: int) -> str:
    return f"{value / 1_000_000_000:.3g}"


def shares(predicate: Mapping[str, Any]) -> Panel:
    """Whose data it credits."""
    rows = [
        (
            markup.found_link(item["id"], item["id"]),
            markup.mono(item["contributor"].rpartition(":")[2], 12),
            f"{item['weightBps'] / BASIS:.2f} %",
            _bounds(item),
            f"{item['rows']:,}",
            item["licence"],
        )
        for item in predicate.get("contributions", ())
    ]
    return table(
        "Whose data",
        ("Contribution", "Address", "Share", "Worth", "Rows", "Licence"),
        rows,
        empty="Nobody's data is credited with this gain.",
        hint="Worth: what a person's data added, with its bounds, in the metric's unit.",
    )


def _bounds(item: Mapping[str, Any]) -> str:
    if "value" not in item:
        return markup.NOTHING
    low, high = _number(item["low"]), _number(item["high"])
    return f"{_number(item['value'], sign=True)} ({low} to {high})"
