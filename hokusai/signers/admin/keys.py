from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from hokusai.core.choices import WorkStatus
from hokusai.signers import reports, services
from hokusai.signers.admin.dialogs import COMPROMISE, RETIRE, ROTATE
from hokusai.signers.choices import KeyState
from hokusai.signers.models import SigningKey
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.dialogs import dialog_action
from hokusai.web.panels import Fact, Notice, Page, Panel, plain, table

TONES = {
    KeyState.LIVE: "success",
    KeyState.RETIRING: "warning",
    KeyState.COMPROMISED: "danger",
    KeyState.EXPIRED: "danger",
}


def state_badge(state: KeyState) -> str:
    """A key's state as a coloured label."""
    return markup.badge(state.label, TONES.get(state, "quiet"))


@admin.register(SigningKey)
class SigningKeyAdmin(ScopedAdmin):
    """Public keys; anybody may see them, administrators alone change what they are worth."""

    empty_hint = (
        "The signer publishes its first key of each purpose when it first signs with it: start the "
        "worker of the queue “signing” with its keys. To publish one before, run "
        "manage.py rotate_signing_key with a purpose: attestation, log or chain."
    )
    list_display = ("short_id", "purpose", "algorithm", "state", "begins", "ends")
    list_filter = (("purpose", ChoicesDropdownFilter), ("algorithm", ChoicesDropdownFilter))
    search_fields = ("^key_id", "=address")
    actions_detail = ("rotate", "retire", "compromise")

    def get_queryset(self, request: HttpRequest) -> QuerySet[SigningKey]:
        """Public keys are public."""
        return SigningKey.objects.all()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    @display(description="key id", ordering="key_id")
    def short_id(self, obj: SigningKey) -> str:
        return markup.mono(obj.key_id, 24)

    @display(description="state")
    def state(self, obj: SigningKey) -> str:
        return state_badge(reports.state_now(obj))

    @display(description="valid from", ordering="valid_from")
    def begins(self, obj: SigningKey) -> str:
        return markup.moment(obj.valid_from)

    @display(description="valid until", ordering="valid_until")
    def ends(self, obj: SigningKey) -> str:
        return markup.moment(obj.valid_until)

    @dialog_action(ROTATE)
    def rotate(self, request: HttpRequest, obj: SigningKey, data: dict[str, Any]) -> str:
        job = services.request_rotation(purpose=obj.purpose, actor=self.actor(request))
        return f"The signer was asked to introduce the key that it holds; see {job}."

    @dialog_action(RETIRE)
    def retire(self, request: HttpRequest, obj: SigningKey, data: dict[str, Any]) -> str:
        days = data["in_days"]
        until = timezone.now() + timedelta(days=days) if days else None
        services.retire_key(key_id=obj.key_id, valid_until=until, actor=self.actor(request))
        return f"The key {obj} signs no more {f'after {days} days' if days else 'from now on'}."

    @dialog_action(COMPROMISE)
    def compromise(self, request: HttpRequest, obj: SigningKey, data: dict[str, Any]) -> str:
        services.compromise_key(
            key_id=obj.key_id,
            from_index=data["from_index"],
            log_size=reports.reach_of(obj).log_size,
            reason=data["reason"],
            actor=self.actor(request),
        )
        return f"What {obj} signed from index {data['from_index']} on counts no more."

    def page(self, request: HttpRequest, obj: SigningKey) -> Page:
        reach = reports.reach_of(obj)
        return Page(
            title=f"Signing key {obj}",
            badges=(self.state(obj), markup.badge(obj.get_purpose_display(), "info")),
            notices=_notices(obj),
            facts=_facts(obj),
            panels=(
                _validity(obj),
                _signed(reach),
                plain("Public key", obj.public_pem, hint="PEM; what a verifier needs."),
                self.activity(request, obj),
            ),
        )


def _notices(obj: SigningKey) -> list[Notice]:
    found = []
    if obj.compromised_from_index is not None:
        text = f"Compromised: what it signed from index {obj.compromised_from_index} on is void."
        found.append(Notice(text, "danger"))
    job = reports.last_rotation(obj.purpose)
    if job is not None and job.status in (WorkStatus.QUEUED, WorkStatus.RUNNING):
        found.append(Notice("The signer was asked to introduce its new key.", "info"))
    if job is not None and job.status == WorkStatus.FAILED:
        found.append(Notice(f"The last rotation did not happen: {job.last_error}", "warning"))
    if not services.valid_keys(obj.purpose):
        text = "No key of this purpose is valid now: nothing is signed until one is introduced."
        found.append(Notice(text, "danger"))
    return found


def _facts(obj: SigningKey) -> tuple[Fact, ...]:
    return (
        Fact("Key id", markup.mono(obj.key_id), "sha256 of the public key"),
        Fact("Purpose", obj.get_purpose_display(), "it signs nothing else"),
        Fact("Algorithm", obj.get_algorithm_display()),
        Fact("Address", markup.mono(obj.address), "on a chain, EIP-55"),
        Fact("Private half", obj.backend or markup.NOTHING, "what keeps it; never shown"),
        Fact("Valid from", markup.moment(obj.valid_from)),
        Fact("Valid until", markup.moment(obj.valid_until), "open where there is none"),
        Fact("Retired", markup.moment(obj.retired_at), "when its end was stated"),
        Fact("Compromised", markup.moment(obj.compromised_at), "when that became known"),
    )


def _validity(obj: SigningKey) -> Panel:
    found = reports.validity_of(obj.purpose)
    rows = [
        (
            markup.object_link(span.key),
            state_badge(span.state),
            markup.moment(span.key.valid_from),
            markup.moment(span.key.compromised_at or span.key.valid_until),
        )
        for span in found.spans
    ]
    context = {
        "spans": [_bar(span) for span in found.spans],
        "now": found.now,
        "begins": markup.moment(found.begins),
        "ends": markup.moment(found.ends),
        "headers": ("Key", "State", "Valid from", "Ended"),
        "rows": rows,
    }
    hint = f"Keys for {obj.get_purpose_display()}, in UTC; the line is now."
    return Panel("Validity", "console/panels/validity.html", context, hint=hint)


def _bar(span: reports.Span) -> dict[str, Any]:
    return {
        "link": markup.object_link(span.key),
        "badge": state_badge(span.state),
        "label": f"{span.key}: {span.state.label}",
        "tone": TONES.get(span.state, "quiet"),
        "start": span.start,
        "width": span.width,
    }


def _signed(reach: reports.Reach) -> Panel:
    void = {row.kind: row.count for row in reach.void}
    rows = [
        (
            row.kind,
            f"{row.count:,}",
            f"{row.first:,}",
            f"{row.last:,}",
            f"{void.get(row.kind, 0):,}",
        )
        for row in reach.signed
    ]
    return table(
        "In the log",
        ("Kind", "Signed", "First index", "Last index", "Void"),
        rows,
        empty="No record of the log names this key yet.",
        hint=f"The log has {reach.log_size:,} leaves.",
    )
