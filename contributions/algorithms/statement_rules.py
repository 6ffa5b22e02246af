"""What a model improvement statement must satisfy: its JSON Schema and the sums inside it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator

from contributions.algorithms.addresses import InvalidAddress, normalise_address
from contributions.algorithms.shares import WHOLE_BPS
from hokusai.core.canonical import CanonicalError, canonical_bytes

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:hokusai:attestation:model-improvement:v1"
SCHEMA_FILE = "model-improvement-v1.schema.json"
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
ACCOUNT_PREFIX = "eip155:1:"


class StatementError(ValueError):
    """The statement breaks its schema, or its numbers contradict each other."""


@cache
def load_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the statement."""
    text = files("contributions.algorithms").joinpath(SCHEMA_FILE).read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def validate_statement(statement: Any) -> None:
    """Check form and arithmetic.

    Raises:
        StatementError: a field is missing, unknown or of a wrong form; an integer at or beyond
            2**53 or a float; an address without its checksum; shares that do not sum to 10,000; a
            delta that is not the difference of its scores; a decision its numbers do not support.
    """
    try:
        canonical_bytes(statement)
    except CanonicalError as error:
        raise StatementError(str(error)) from error
    if found := next(_validator().iter_errors(statement), None):
        raise StatementError(f"{found.json_path}: {found.message[:300]}")
    predicate = statement["predicate"]
    if statement["subject"][0]["digest"] == predicate["baseline"]["digest"]:
        raise StatementError("The candidate is the baseline.")
    _check_time(predicate["issuedOn"])
    _check_contributions(predicate["contributions"])
    metrics = _check_metrics(predicate["metrics"], predicate["benchmark"]["sampleCount"])
    _check_decision(predicate["decision"], metrics)


def statement_id(statement: Mapping[str, Any]) -> str:
    """Return the id of a statement: SHA-256 of its canonical bytes, in hexadecimal."""
    return sha256(canonical_bytes(dict(statement))).hexdigest()


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(load_schema())


def _check_time(text: str) -> None:
    try:
        datetime.strptime(text, TIME_FORMAT).replace(tzinfo=UTC)
    except ValueError as error:
        raise StatementError(f"The time of issue does not exist: {text}.") from error


def _check_contributions(contributions: list[dict[str, Any]]) -> None:
    if len({item["id"] for item in contributions}) != len(contributions):
        raise StatementError("A contribution is listed twice.")
    if sum(item["weightBps"] for item in contributions) != WHOLE_BPS:
        raise StatementError(f"The shares do not sum to {WHOLE_BPS} basis points.")
    for item in contributions:
        address = item["contributor"].removeprefix(ACCOUNT_PREFIX)
        try:
            normalised = normalise_address(address)
        except InvalidAddress as error:
            raise StatementError(f"Contribution {item['id']}: {error}") from error
        if normalised != address:
            raise StatementError(f"Contribution {item['id']}: the address has no checksum.")


def _check_metrics(metrics: list[dict[str, Any]], samples: int) -> dict[str, dict[str, Any]]:
    by_name = {metric["name"]: metric for metric in metrics}
    if len(by_name) != len(metrics):
        raise StatementError("A metric is listed twice.")
    if sum(metric["primary"] for metric in metrics) != 1:
        raise StatementError("Exactly one metric is primary.")
    for name, metric in by_name.items():
        sign = 1 if metric["direction"] == "higher" else -1
        if metric["delta"] != sign * (metric["candidate"] - metric["baseline"]):
            raise StatementError(f"{name}: delta is not the difference of the scores.")
        if metric["interval"]["low"] > metric["interval"]["high"]:
            raise StatementError(f"{name}: the interval is reversed.")
        if metric["primary"] and sum(metric.get("discordant", {}).values()) > samples:
            raise StatementError(f"{name}: more rows disagree than there are.")
    return by_name


def _check_decision(decision: dict[str, Any], metrics: dict[str, dict[str, Any]]) -> None:
    policy = decision["policy"]
    primary = metrics.get(policy["metric"])
    if primary is None or not primary["primary"]:
        raise StatementError("The policy decides on another metric than the primary one.")
    if decision["accepted"] != (decision["reason"] == "accepted"):
        raise StatementError("The reason contradicts the decision.")
    if not decision["accepted"]:
        return
    # Both scores are rounded to the worse side, which takes at most one millionth net from delta;
    # the p value is rounded up and alpha down.
    supported = (
        primary["interval"]["low"] >= policy["margin"]
        and primary["delta"] >= policy["minimumGain"] - 1
        and primary["test"]["pE9"] <= primary["test"]["alphaE9"] + 1
        and primary["test"]["alphaE9"] <= policy["alphaE9"]
    )
    if not supported:
        raise StatementError("Accepted, but the numbers do not reach the policy.")
    for guardrail in policy["guardrails"]:
        _check_guardrail(guardrail, metrics)


def _check_guardrail(guardrail: dict[str, Any], metrics: dict[str, dict[str, Any]]) -> None:
    name = guardrail["metric"]
    result = metrics.get(name, {}).get("guardrail")
    if result is None or result["margin"] != guardrail["margin"]:
        raise StatementError(f"Accepted without the guardrail {name}.")
    if not result["passed"] or result["harmUpper"] > result["margin"]:
        raise StatementError(f"Accepted although the guardrail {name} failed.")
