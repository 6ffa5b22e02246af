"""The arithmetic inside a statement about an improvement, beyond what its schema says."""

from datetime import UTC, datetime
from typing import Any

from contributions.algorithms.addresses import InvalidAddress, normalise_address
from contributions.algorithms.coalitions import MAX_PLAYERS
from contributions.algorithms.shares import WHOLE_BPS

TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
ACCOUNT_PREFIX = "eip155:1:"
Metrics = dict[str, dict[str, Any]]


class StatementError(ValueError):
    """The statement breaks its schema, or its numbers contradict each other."""


def check_first(statement: dict[str, Any]) -> None:
    """Check a statement of version 1. Raises StatementError."""
    predicate = statement["predicate"]
    _check_parties(statement)
    _check_contributions(predicate["contributions"])
    _check_whole(predicate["contributions"])
    metrics = _check_metrics(predicate["metrics"], predicate["benchmark"]["sampleCount"])
    _check_decision(predicate["decision"], metrics)


def check_second(statement: dict[str, Any]) -> None:
    """Check a statement of version 2. Raises StatementError."""
    predicate = statement["predicate"]
    _check_parties(statement)
    if check_time(predicate["expiresOn"]) <= check_time(predicate["issuedOn"]):
        raise StatementError("The statement expires before it is issued.")
    evaluation = predicate["evaluation"]
    if evaluation["rows"] > predicate["benchmark"]["sampleCount"]:
        raise StatementError("More rows were compared on than the benchmark has.")
    metrics = _check_metrics(predicate["metrics"], evaluation["rows"])
    _check_decision(predicate["decision"], metrics)
    primary = metrics[predicate["decision"]["policy"]["metric"]]
    _check_level(evaluation["attempt"], primary["test"])
    _check_confirmation(predicate["confirmation"], predicate["decision"])
    if ("confirmation" in evaluation["evidence"]) != ("confirmed" in predicate["confirmation"]):
        raise StatementError("Evidence of a confirmation and the confirmation go together.")
    _check_spread(predicate.get("seedSpread"))
    _check_contributions(predicate["contributions"])
    _check_people(predicate["contributions"])
    _check_payment(predicate, primary["delta"])


def check_time(text: str) -> datetime:
    """The moment that a text names. Raises StatementError for one that does not exist."""
    try:
        return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=UTC)
    except ValueError as error:
        raise StatementError(f"The time of issue does not exist: {text}.") from error


def _check_parties(statement: dict[str, Any]) -> None:
    predicate = statement["predicate"]
    if statement["subject"][0]["digest"] == predicate["baseline"]["digest"]:
        raise StatementError("The candidate is the baseline.")
    check_time(predicate["issuedOn"])


def _check_contributions(contributions: list[dict[str, Any]]) -> None:
    if len({item["id"] for item in contributions}) != len(contributions):
        raise StatementError("A contribution is listed twice.")
    for item in contributions:
        address = item["contributor"].removeprefix(ACCOUNT_PREFIX)
        try:
            normalised = normalise_address(address)
        except InvalidAddress as error:
            raise StatementError(f"Contribution {item['id']}: {error}") from error
        if normalised != address:
            raise StatementError(f"Contribution {item['id']}: the address has no checksum.")


def _check_whole(contributions: list[dict[str, Any]]) -> None:
    total = sum(item["weightBps"] for item in contributions)
    if total != WHOLE_BPS:
        raise StatementError(f"The shares sum to {total}, not to {WHOLE_BPS} basis points.")


def _check_people(contributions: list[dict[str, Any]]) -> None:
    people = len({item["contributor"] for item in contributions})
    if people > MAX_PLAYERS:
        raise StatementError(f"A statement names at most {MAX_PLAYERS} contributors.")
    for item in contributions:
        bounds = {"value", "low", "high"} & item.keys()
        if bounds and len(bounds) < len(("value", "low", "high")):
            raise StatementError(f"Contribution {item['id']}: a value has both its bounds.")
        if bounds and item["low"] > item["high"]:
            raise StatementError(f"Contribution {item['id']}: the interval is reversed.")


def _check_payment(predicate: dict[str, Any], delta: int) -> None:
    """Nothing is payable that was not confirmed, nor more than was; what is credited is whole."""
    attribution, confirmation = predicate["attribution"], predicate["confirmation"]
    payable = attribution["payable"]
    if payable != (attribution["payableGain"] > 0) or payable == ("payableReason" in attribution):
        raise StatementError("A gain is payable, or there is a reason why none is.")
    credited = any(item["weightBps"] for item in predicate["contributions"])
    if payable or credited:
        _check_whole(predicate["contributions"])
    if not payable:
        return
    if not confirmation.get("confirmed"):
        raise StatementError("Payable without a confirmation.")
    # Each of them is rounded to the worse side, by at most one millionth net.
    if attribution["payableGain"] > min(delta, confirmation["delta"]) + 1:
        raise StatementError("More is payable than was measured.")


def _check_metrics(metrics: list[dict[str, Any]], samples: int) -> Metrics:
    by_name = {metric["name"]: metric for metric in metrics}
    if len(by_name) != len(metrics):
        raise StatementError("A metric is listed twice.")
    if sum(metric["primary"] for metric in metrics) != 1:
        raise StatementError("Exactly one metric is primary.")
    for name, metric in by_name.items():
        sign = 1 if metric["direction"] == "higher" else -1
        if metric["delta"] != sign * (metric["candidate"] - metric["baseline"]):
            raise StatementError(f"{name}: delta is not the difference of the scores.")
        _check_interval(name, metric["interval"])
        if metric["primary"] and sum(metric.get("discordant", {}).values()) > samples:
            raise StatementError(f"{name}: more rows disagree than there are.")
    return by_name


def _check_interval(name: str, interval: dict[str, Any]) -> None:
    if interval["low"] > interval["high"]:
        raise StatementError(f"{name}: the interval is reversed.")


def _check_level(attempt: dict[str, Any], test: dict[str, Any]) -> None:
    if abs(attempt["alphaE9"] - test["alphaE9"]) > 1:
        raise StatementError("The test spends another level than its attempt was given.")


def _check_decision(decision: dict[str, Any], metrics: Metrics) -> None:
    policy = decision["policy"]
    primary = metrics.get(policy["metric"])
    if primary is None or not primary["primary"]:
        raise StatementError("The policy decides on another metric than the primary one.")
    if decision["accepted"] != (decision["reason"] == "accepted"):
        raise StatementError("The reason contradicts the decision.")
    if not decision["accepted"]:
        return
    # Both scores are rounded to the worse side, which takes at most one millionth net from delta.
    reached = (
        _exceeds(primary["interval"], primary["test"], policy["margin"])
        and primary["delta"] >= policy["minimumGain"] - 1
        and primary["test"]["alphaE9"] <= policy["alphaE9"]
    )
    if not reached:
        raise StatementError("Accepted, but the numbers do not reach the policy.")
    for guardrail in policy["guardrails"]:
        _check_guardrail(guardrail, metrics)


def _exceeds(interval: dict[str, Any], test: dict[str, Any], margin: int) -> bool:
    # The p value is rounded up and alpha down.
    return bool(interval["low"] >= margin and test["pE9"] <= test["alphaE9"] + 1)


def _check_guardrail(guardrail: dict[str, Any], metrics: Metrics) -> None:
    name = guardrail["metric"]
    result = metrics.get(name, {}).get("guardrail")
    if result is None or result["margin"] != guardrail["margin"]:
        raise StatementError(f"Accepted without the guardrail {name}.")
    if not result["passed"] or result["harmUpper"] > result["margin"]:
        raise StatementError(f"Accepted although the guardrail {name} failed.")


def _check_confirmation(found: dict[str, Any], decision: dict[str, Any]) -> None:
    if "absent" in found:
        return
    _check_interval("confirmation", found["interval"])
    _check_level(found["attempt"], found["test"])
    margin = decision["policy"]["margin"]
    if found["confirmed"] and not _exceeds(found["interval"], found["test"], margin):
        raise StatementError("Confirmed, but the numbers do not reach the policy.")


def _check_spread(spread: dict[str, Any] | None) -> None:
    if spread is not None and spread["lowest"] > spread["highest"]:
        raise StatementError("The spread over seeds is reversed.")
