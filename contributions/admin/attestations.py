import json
from typing import Any

import orjson
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from contributions.algorithms.dsse import EnvelopeError, encode_envelope
from contributions.algorithms.statement_rules import StatementError
from contributions.algorithms.verification import VerifiedAttestation, verify_attestation
from contributions.choices import AttestationStatus
from contributions.models import Attestation
from hokusai.core.canonical import CanonicalError
from hokusai.core.errors import InvalidInput
from hokusai.signers.models import SigningKey
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.graphs import lineage_panel
from hokusai.web.panels import Fact, Notice, Page, plain
from registry.reports import lineage_around

PENDING_REFRESH_S = 4
PURPOSE = "attestation"


@admin.register(Attestation)
class AttestationAdmin(ScopedAdmin):
    """Signed statements that anybody can check without this console."""

    view_permission = "contributions.view_improvement"
    empty_hint = "The signer makes one for each recorded improvement."
    list_display = ("short_id", "improvement", "status_label", "key", "signed")
    list_select_related = (
        "improvement__model__project",
        "improvement__candidate__model",
        "improvement__baseline",
        "job",
    )
    list_filter = (("status", ChoicesDropdownFilter),)
    search_fields = ("^statement_id", "=key_id", "^improvement__model__model_id")
    actions_detail = ("verify",)

    @display(description="id", ordering="statement_id")
    def short_id(self, obj: Attestation) -> str:
        return markup.mono(obj.statement_id, 16) if obj.statement_id else "not signed yet"

    @display(description="state", ordering="status")
    def status_label(self, obj: Attestation) -> str:
        return markup.badge(obj.status)

    @display(description="key")
    def key(self, obj: Attestation) -> str:
        return markup.mono(obj.key_id, 12)

    @display(description="signed", ordering="signed_at")
    def signed(self, obj: Attestation) -> str:
        return markup.moment(obj.signed_at)

    @dialog_action(
        Dialog(
            title="Verify",
            text="Check the signatures, the form and the sums of this statement with the public "
            "keys, from nothing but the envelope.",
            submit="Verify",
            needs="contributions.view_improvement",
            icon="verified",
            when=lambda obj: obj.status != AttestationStatus.PENDING,
        )
    )
    def verify(self, request: HttpRequest, obj: Attestation, data: dict[str, Any]) -> str:
        found = verified(obj)
        keys = ", ".join(key[:12] for key in found.key_ids)
        note = " It was revoked since." if obj.status == AttestationStatus.REVOKED else ""
        return f"The attestation holds: signed by {keys}; gain {markup.points(found.delta)}.{note}"

    def get_custom_urls(self) -> tuple[tuple[str, str, Any], ...]:
        """The envelope as a file."""
        return (
            ("<path:object_id>/envelope/", "contributions_attestation_envelope", self.envelope),
        )

    def envelope(
        self, request: HttpRequest, object_id: str, model_admin: Any = None
    ) -> HttpResponse:
        """The envelope in its canonical bytes, as verifiers take it."""
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        obj = self.object_or_404(request, object_id)
        if not obj.envelope:
            raise Http404
        name = f"{obj.statement_id}.dsse.json"
        return HttpResponse(
            encode_envelope(obj.envelope),
            content_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def page(self, request: HttpRequest, obj: Attestation) -> Page:
        pending = obj.status == AttestationStatus.PENDING
        point = f"att_{obj.statement_id}"
        return Page(
            title=f"Attestation of {obj.improvement}",
            badges=(markup.badge(obj.status),),
            notices=_notices(obj),
            facts=_facts(obj),
            panels=(
                plain("Statement", _pretty(obj.statement), empty="Not signed yet."),
                lineage_panel(lineage_around(request.user, [point]), point),
                self.activity(request, obj.improvement),
            ),
            refresh_s=PENDING_REFRESH_S if pending else 0,
        )


def verified(obj: Attestation) -> VerifiedAttestation:
    """The statement as its envelope proves it. Raises InvalidInput where it does not."""
    keys = SigningKey.objects.filter(purpose=PURPOSE).values_list("public_pem", flat=True)
    try:
        found = verify_attestation(encode_envelope(obj.envelope), keys)
    except (EnvelopeError, StatementError, CanonicalError) as error:
        raise InvalidInput(f"This attestation does not hold: {error}") from error
    if found.id != obj.statement_id:
        raise InvalidInput("The envelope holds another statement than the one shown here.")
    return found


def _notices(obj: Attestation) -> list[Notice]:
    if obj.status == AttestationStatus.PENDING:
        return [Notice("Waiting for the signer. This page refreshes itself.", "warning")]
    if obj.status == AttestationStatus.REVOKED:
        return [Notice("Revoked: it stays on record and no longer counts.", "danger")]
    return []


def _facts(obj: Attestation) -> tuple[Fact, ...]:
    key = SigningKey.objects.filter(key_id=obj.key_id).first()
    download = markup.NOTHING
    if obj.envelope:
        url = reverse("admin:contributions_attestation_envelope", args=[obj.pk])
        download = markup.link("Download the envelope", url)
    return (
        Fact("Id", markup.mono(obj.statement_id or ""), "sha256 of the statement"),
        Fact("Improvement", markup.object_link(obj.improvement)),
        Fact("Key", markup.object_link(key)),
        Fact("Signed", markup.moment(obj.signed_at)),
        Fact("Envelope", download, "DSSE, Ed25519"),
    )


def _pretty(statement: str) -> str:
    """The canonical text with line breaks, for reading."""
    return json.dumps(orjson.loads(statement), indent=2, ensure_ascii=False) if statement else ""
