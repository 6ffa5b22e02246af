from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from contributions.models import Attestation, SigningPolicy
from contributions.signing_policies import MOST_KEYS, set_signing_policy
from hokusai.accounts.models import Project
from hokusai.accounts.permissions import projects_where
from hokusai.signers.choices import Purpose
from hokusai.signers.models import SigningKey
from hokusai.signers.services import valid_keys
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.forms import ConsoleForm, DialogForm, offer
from hokusai.web.panels import Fact, Page, Panel, table

MANAGE = "contributions.manage_signing"


def _keys() -> list[tuple[str, str]]:
    """Keys that may sign attestations now."""
    return [(key.key_id, f"key {key}") for key in valid_keys(Purpose.ATTESTATION)]


class _AskedFields(forms.Form):
    """What a policy asks."""

    key_ids = forms.MultipleChoiceField(
        label="Keys that count",
        choices=_keys,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="Each is held by a signer process of its own.",
    )
    required = forms.IntegerField(
        min_value=1,
        max_value=MOST_KEYS,
        label="Signatures",
        help_text="How many of them have to sign.",
    )


class SigningPolicyForm(_AskedFields, ConsoleForm):
    """A policy where there was none."""

    project = forms.ModelChoiceField(Project.objects.none())
    field_order = ("project", "key_ids", "required")

    def scope(self, user: Any) -> None:
        """Projects that the person owns and that have none."""
        offer(self, "project", projects_where(user, MANAGE).filter(signing_policy=None))


class SigningPolicyDialog(_AskedFields, DialogForm):
    """What a policy asks from now on."""

    def scope(self, user: Any) -> None:
        """Begin with what it asks now."""
        row = SigningPolicy.objects.filter(pk=self.object_id).first()
        if row is not None:
            self.initial = {"key_ids": row.key_ids, "required": row.required, **self.initial}


@admin.register(SigningPolicy)
class SigningPolicyAdmin(ScopedAdmin):
    """How many signers the attestations of a project need."""

    view_permission = "contributions.view_improvement"
    add_permission = MANAGE
    add_form = SigningPolicyForm
    add_lead = (
        "Attestations of the project are complete once so many of these keys have signed. Each "
        "further signer runs “manage.py cosign_attestations” with its own key and recomputes "
        "everything by itself."
    )
    empty_hint = "Without a policy one signature by any key of the platform is enough."
    list_display = ("project", "asked", "changed_by", "changed")
    list_select_related = ("project", "changed_by")
    search_fields = ("^project__slug",)
    actions_detail = ("change_policy",)

    @display(description="asked for")
    def asked(self, obj: SigningPolicy) -> str:
        return f"{obj.required} of {len(obj.key_ids)} keys"

    @display(description="changed", ordering="changed_at")
    def changed(self, obj: SigningPolicy) -> str:
        return markup.moment(obj.changed_at)

    def create(self, request: HttpRequest, data: dict[str, Any]) -> SigningPolicy:
        return set_signing_policy(**data, actor=self.actor(request))

    @dialog_action(
        Dialog(
            title="Change",
            text="What is asked from now on, also of attestations that still wait for signers. "
            "Fewer signatures are easier to forge: be sure.",
            submit="Change policy",
            needs=MANAGE,
            icon="rule",
            form=SigningPolicyDialog,
        )
    )
    def change_policy(self, request: HttpRequest, obj: SigningPolicy, data: dict[str, Any]) -> str:
        set_signing_policy(
            project=obj.project,
            required=data["required"],
            key_ids=data["key_ids"],
            actor=self.actor(request),
        )
        return f"{obj.project.slug} asks this from now on."

    def page(self, request: HttpRequest, obj: SigningPolicy) -> Page:
        waiting = Attestation.objects.filter(
            improvement__model__project=obj.project, status="pending"
        )
        return Page(
            title=f"Signing policy of {obj.project.slug}",
            facts=(
                Fact("Project", markup.object_link(obj.project)),
                Fact("Asked for", self.asked(obj)),
                Fact("Waiting", waiting.count(), "attestations without enough signatures"),
                Fact("Changed by", obj.changed_by.username),
                Fact("Changed", markup.moment(obj.changed_at)),
            ),
            panels=(_listed(obj), self.activity(request, obj.project)),
        )


def _listed(obj: SigningPolicy) -> Panel:
    known = {key.key_id: key for key in SigningKey.objects.filter(key_id__in=obj.key_ids)}
    rows = [
        (
            markup.object_link(known.get(name)) if name in known else markup.mono(name, 16),
            markup.moment(known[name].valid_until) if name in known else markup.NOTHING,
        )
        for name in obj.key_ids
    ]
    return table("Keys that count", ("Key", "Valid until"), rows, empty="")
