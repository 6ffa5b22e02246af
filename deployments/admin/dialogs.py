"""What the dialogs of a deployment ask."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from deployments import services
from deployments.choices import Environment
from deployments.models import MAX_DEADLINE_MS, MIN_MEMORY_BYTES, Deployment
from deployments.services.configuring import CONFIGURABLE
from hokusai.web.forms import DialogForm, ForeseeingDialog
from registry.choices import Stage

MIB = 1 << 20
PERCENT = 100


class RollBackDialog(DialogForm):
    """Names what is gone back to."""

    def render_before_template(self) -> SafeString:
        """From which version to which."""
        deployment = Deployment.objects.select_related("model").get(pk=self.object_id)
        live = deployment.revisions.live().select_related("version").first()
        context = {"live": live, "target": services.rollback_target(deployment)}
        return render_to_string("console/dialogs/roll_back.html", context)


class ColumnsField(forms.CharField):
    """Names of columns, one on each line."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        text = str(super().clean(value) or "")
        return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


class MebibytesField(forms.IntegerField):
    """Bytes, asked for in MiB."""

    def prepare_value(self, value: Any) -> Any:
        return value // MIB if isinstance(value, int) else value

    def clean(self, value: Any) -> int:
        return int(super().clean(value)) * MIB


class PartField(forms.FloatField):
    """A part of the whole, asked for in percent."""

    def prepare_value(self, value: Any) -> Any:
        return f"{value * PERCENT:g}" if isinstance(value, float) else value

    def clean(self, value: Any) -> float:
        return float(super().clean(value)) / PERCENT


class SettingsDialog(ForeseeingDialog):
    """How a deployment serves; what is chosen is explained below as one chooses."""

    foreseen_template = "console/dialogs/settings.html"

    required_stage = forms.ChoiceField(
        choices=Stage.choices, help_text="Stage that a version must have reached to serve here."
    )
    require_digest = forms.BooleanField(
        required=False,
        label="Digest required",
        help_text="Whoever deploys states which bytes are meant.",
    )
    rate_per_minute = forms.IntegerField(
        required=False,
        min_value=1,
        label="Predictions per minute",
        help_text="From all callers together. Empty: unlimited.",
    )
    memory_bytes = MebibytesField(
        min_value=MIN_MEMORY_BYTES // MIB,
        label="Memory (MiB)",
        help_text="What the model's process may hold; beyond, it is ended and started anew.",
    )
    deadline_ms = forms.IntegerField(
        min_value=1,
        max_value=MAX_DEADLINE_MS,
        label="Deadline (ms)",
        help_text="How long a prediction may take. A request may ask for less.",
    )
    latency_budget_ms = forms.FloatField(
        min_value=0,
        max_value=1000,
        label="Waiting for others (ms)",
        help_text="Requests that come together are answered together: faster for many, later by "
        "at most this for one. 0: never.",
    )
    idle_s = forms.IntegerField(
        min_value=0,
        label="Ends when idle for (s)",
        help_text="The process ends and comes back with the next request. 0: it never ends.",
    )
    log_sample = PartField(
        min_value=0,
        max_value=PERCENT,
        label="Logged predictions (%)",
        help_text="Part of the predictions that the log keeps. Failed ones are always kept.",
    )
    personal_data = forms.BooleanField(
        required=False,
        label="Rows may tell of persons",
        help_text="Then results are not kept for repeated questions unless you say so.",
    )
    log_payloads = forms.BooleanField(
        required=False,
        label="Log rows and outputs",
        help_text="Else only that it was asked, by whom, and how long it took.",
    )
    cache_s = forms.IntegerField(
        required=False,
        min_value=0,
        label="Keep results for (s)",
        help_text="The same rows get the same answer at once. Empty: a minute, or not at all where "
        "rows may tell of persons.",
    )
    redacted_columns = ColumnsField(
        required=False,
        label="Columns never logged",
        help_text="One name on each line; their values are left out of the log.",
    )
    log_every_row = forms.BooleanField(
        required=False,
        label="Lose no row",
        help_text="What finds no room in the log's queue goes to disk instead of being counted "
        "and dropped.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.deployment = Deployment.objects.get(pk=self.object_id)
        self.initial = {name: getattr(self.deployment, name) for name in CONFIGURABLE}

    def foresee(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """What these settings mean, in sentences."""
        return {"lines": consequences(self.deployment, values)}


def changes_of(deployment: Deployment, data: Mapping[str, Any]) -> dict[str, Any]:
    """What was changed in the dialog."""
    return {name: data[name] for name in CONFIGURABLE if data[name] != getattr(deployment, name)}


def consequences(deployment: Deployment, values: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Tone, icon and sentence for each thing that settings lead to."""
    return [
        line
        for line in (
            _limit(values),
            _cache(values),
            _log(values),
            _process(values),
            _care(deployment, values),
        )
        if line is not None
    ]


def _limit(values: Mapping[str, Any]) -> tuple[str, str, str]:
    limit = values.get("rate_per_minute")
    if limit:
        return ("success", "speed", f"At most {limit:,} predictions per minute; more are refused.")
    return ("info", "all_inclusive", "Unlimited: only the limit of each key holds.")


def _cache(values: Mapping[str, Any]) -> tuple[str, str, str]:
    kept, personal = values.get("cache_s"), values.get("personal_data")
    if personal and kept:
        text = f"Results of rows that may tell of persons are kept for {kept} s."
        return ("warning", "warning", text)
    if kept == 0 or (personal and kept is None):
        return ("success", "no_accounts", "No result is kept: each question reaches the model.")
    return ("info", "cached", f"The same rows get the same answer for {kept or 60} s.")


def _log(values: Mapping[str, Any]) -> tuple[str, str, str]:
    percent = (values.get("log_sample") or 0) * PERCENT
    if not values.get("log_payloads"):
        return ("success", "receipt_long", "The log keeps no row and no output.")
    hidden = values.get("redacted_columns") or []
    told = f"The log keeps rows and outputs of {percent:g} % of the predictions"
    if values.get("personal_data") and not hidden and percent:
        return (
            "warning",
            "warning",
            f"{told}, with every column, though they may tell of persons.",
        )
    but = f", without {', '.join(hidden)}" if hidden else ""
    return ("info", "receipt_long", f"{told}{but}.")


def _process(values: Mapping[str, Any]) -> tuple[str, str, str]:
    idle = values.get("idle_s")
    memory = (values.get("memory_bytes") or 0) // MIB
    if not idle:
        text = f"The process never ends by itself: up to {memory:,} MiB are held for good."
        return ("warning", "memory", text)
    text = f"Up to {memory:,} MiB, given back after {idle:,} s without a request."
    return ("success", "memory", text)


def _care(deployment: Deployment, values: Mapping[str, Any]) -> tuple[str, str, str] | None:
    if deployment.environment != Environment.PRODUCTION:
        return None
    if values.get("required_stage") == Stage.PRODUCTION and values.get("require_digest"):
        text = "Only a version in production is served, and its digest must be stated."
        return ("success", "verified_user", text)
    return ("warning", "warning", "Production that serves what was not approved for production.")
