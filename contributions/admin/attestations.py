import json
from typing import Any

import orjson
from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminExpandableTextareaWidget

from contributions import revocations
from contributions.admin import attestation_panels as panels
from contributions.admin.claims import claim, predicate_of, shares
from contributions.choices import AttestationStatus
from contributions.examination import examine
from contributions.models import Attestation
from hokusai.core import services as core
from hokusai.core.choices import WorkStatus
from hokusai.core.errors import Conflict
from hokusai.signers.algorithms.dsse import encode_envelope
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.forms import DialogForm
from hokusai.web.graphs import lineage_panel
from hokusai.web.panels import Fact, Notice, Page, plain
from registry.reports import lineage_around

PENDING_REFRESH_S = 4


class RevocationDialog(DialogForm):
    """Asks why."""

    reason = forms.CharField(
        max_length=revocations.MAX_REASON,
        widget=UnfoldAdminExpandableTextareaWidget,
        help_text="Becomes public, in the log, for good.",
    )


def _is_complete(obj: Attestation) -> bool:
    return obj.status != AttestationStatus.PENDING


def _may_be_revoked(obj: Attestation) -> bool:
    return obj.status == AttestationStatus.SIGNED and not hasattr(obj, "revocation")


def _was_refused(obj: Attestation) -> bool:
    failed = obj.job is not None and obj.job.status == WorkStatus.FAILED
    return obj.status == AttestationStatus.PENDING and failed


VERIFY = Dialog(
    title="Verify",
    text="",
    submit="Verify",
    needs="contributions.view_improvement",
    icon="verified",
    when=_is_complete,
)


@admin.register(Attestation)
class AttestationAdmin(ScopedAdmin):
    """Signed statements that anybody can check without this console."""

    view_permission = "contributions.view_improvement"
    empty_hint = "The signer makes one for each improvement whose credit is worked out."
    list_display = ("short_id", "improvement", "status_label", "key", "signed")
    list_select_related = (
        "improvement__model__project",
        "improvement__candidate__model",
        "improvement__baseline",
        "job",
        "revocation",
    )
    list_filter = (("status", ChoicesDropdownFilter),)
    search_fields = ("^statement_id", "=key_id", "^improvement__model__model_id")
    actions_detail = ("verify", "sign_again", "revoke")

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

    @action(description=VERIFY.title, icon=VERIFY.icon)
    def verify(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Lead to the checks, which change nothing."""
        obj = self.object_or_404(request, object_id)
        url = reverse("admin:contributions_attestation_checks", args=[obj.pk])
        return HttpResponseRedirect(url)

    verify.console_dialog = VERIFY

    @dialog_action(
        Dialog(
            title="Sign again",
            text="Ask the signer once more, after what kept it from signing was put right.",
            submit="Ask again",
            needs="core.change_job",
            icon="replay",
            when=_was_refused,
        )
    )
    def sign_again(self, request: HttpRequest, obj: Attestation, data: dict[str, Any]) -> str:
        if obj.job is None:
            raise Conflict("The signer was never asked.")
        core.retry_job(job_id=obj.job.pk, actor=self.actor(request))
        return "The signer was asked again."

    @dialog_action(
        Dialog(
            title="Revoke",
            text="The signer states in the log that this attestation no longer stands. It stays on "
            "record with your reason and counts for nothing from now on. This cannot be undone.",
            submit="Revoke for good",
            needs="contributions.revoke_attestation",
            icon="gavel",
            variant=ActionVariant.DANGER,
            form=RevocationDialog,
            when=_may_be_revoked,
        )
    )
    def revoke(self, request: HttpRequest, obj: Attestation, data: dict[str, Any]) -> str:
        revocations.request_revocation(
            attestation_id=obj.pk, reason=data["reason"], actor=self.actor(request)
        )
        return "The signer was asked to revoke it."

    def get_custom_urls(self) -> tuple[tuple[str, str, Any], ...]:
        """The envelope as a file, and the page of checks."""
        return (
            ("<path:object_id>/envelope/", "contributions_attestation_envelope", self.envelope),
            ("<path:object_id>/checks/", "contributions_attestation_checks", self.checks),
        )

    def checks(self, request: HttpRequest, object_id: str, model_admin: Any = None) -> HttpResponse:
        """Every check of the attestation, made now."""
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        obj = self.object_or_404(request, object_id)
        if not _is_complete(obj):
            raise Http404
        found = examine(obj)
        failed = sum(check.holds is False for check in found.checks)
        waiting = sum(check.holds is None for check in found.checks)
        verdict = f"{failed} failed" if failed else f"{len(found.checks) - waiting} hold"
        notice = Notice(
            f"{verdict}, {waiting} could not be made or do not apply.",
            "success" if found.holds else "danger",
        )
        back = markup.link("Back to the attestation", markup.object_url(obj))
        page = Page(
            title=f"Checks of {obj.improvement}",
            badges=(markup.badge("verified" if found.holds else "failed"),),
            notices=(notice,),
            facts=(Fact("Id", markup.mono(obj.statement_id)), Fact("Attestation", back)),
            panels=(panels.checks(found),),
        )
        return self.render_page(request, obj, page)

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
        point, predicate = f"att_{obj.statement_id}", predicate_of(obj)
        waits = obj.status == AttestationStatus.PENDING and not _was_refused(obj)
        return Page(
            title=f"Attestation of {obj.improvement}",
            badges=(markup.badge(obj.status),),
            notices=panels.notices(obj),
            facts=panels.facts(obj),
            panels=(
                claim(predicate),
                shares(predicate),
                panels.signatures(obj),
                panels.standing(obj),
                panels.chain(obj),
                plain("Statement", _pretty(obj.statement), empty="Not signed yet."),
                lineage_panel(lineage_around(request.user, [point]), point),
                self.activity(request, obj.improvement),
            ),
            refresh_s=PENDING_REFRESH_S if waits else 0,
        )


def _pretty(statement: str) -> str:
    """The canonical text with line breaks, for reading."""
    return json.dumps(orjson.loads(statement), indent=2, ensure_ascii=False) if statement else ""
