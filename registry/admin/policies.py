from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from hokusai.accounts.models import Project
from hokusai.accounts.permissions import projects_where
from hokusai.accounts.roles import roles_with
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.forms import ConsoleForm, DialogForm, offer
from hokusai.web.panels import Fact, Page, Panel, table
from registry import services
from registry.choices import Stage
from registry.models import PromotionPolicy
from registry.promotion import checks_of
from registry.services.policies import DECIDE, STAGES

MANAGE = "registry.manage_policy"
ASKED = ("blocking", "approvals", "roles", "expires_after_h")


def _titles() -> dict[str, str]:
    """Each check that some stage knows, by its code."""
    return {check.code: check.title for stage in STAGES for check in checks_of(stage)}


class _AskedFields(forms.Form):
    """What a policy asks."""

    blocking = forms.MultipleChoiceField(
        required=False,
        label="Checks that must pass",
        choices=lambda: list(_titles().items()),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="The others are run and shown.",
    )
    approvals = forms.IntegerField(min_value=1, max_value=100, help_text="How many persons.")
    roles = forms.MultipleChoiceField(
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        choices=lambda: [(role.value, role.label) for role in sorted(roles_with(DECIDE))],
        help_text="Whose approval counts.",
    )
    expires_after_h = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=24 * 366,
        label="Hours until a request ends",
        help_text="Empty: never.",
    )


class PolicyForm(_AskedFields, ConsoleForm):
    """A policy where there was none: of which project, for which stage."""

    project = forms.ModelChoiceField(Project.objects.none())
    stage = forms.ChoiceField(choices=[(stage.value, stage.label) for stage in STAGES])
    field_order = ("project", "stage", *ASKED)

    def scope(self, user: Any) -> None:
        """Projects that the person owns; what production asks by default to begin with."""
        offer(self, "project", projects_where(user, MANAGE))
        _begin_with(self, services.default_policy(Stage.PRODUCTION))


class PolicyDialog(_AskedFields, DialogForm):
    """What a policy asks from now on."""

    def scope(self, user: Any) -> None:
        """Begin with what it asks now."""
        row = PromotionPolicy.objects.filter(pk=self.object_id).first()
        if row is not None:
            _begin_with(self, services.stated_policy(row))


def _begin_with(form: forms.Form, policy: services.Policy) -> None:
    for name in ASKED:
        value = getattr(policy, name)
        form.fields[name].initial = list(value) if isinstance(value, tuple) else value


@admin.register(PromotionPolicy)
class PromotionPolicyAdmin(ScopedAdmin):
    """What projects ask before a version enters a stage."""

    view_permission = "registry.view_model"
    add_permission = MANAGE
    add_form = PolicyForm
    add_lead = (
        "A policy says which checks must pass before a version enters a stage, and how many "
        "persons approve. Requests that are open keep what was asked of them."
    )
    empty_hint = "The defaults hold: one reviewer or owner approves, and the checks must pass."
    list_display = ("name", "approvals", "role_names", "expiry", "changed_by", "changed")
    list_select_related = ("project", "changed_by")
    list_filter = (("stage", ChoicesDropdownFilter),)
    search_fields = ("^project__slug",)
    actions_detail = ("change_policy",)

    @display(description="policy", ordering="stage")
    def name(self, obj: PromotionPolicy) -> str:
        return f"{obj.project.slug}: {obj.stage}"

    @display(description="approved by")
    def role_names(self, obj: PromotionPolicy) -> str:
        return " or ".join(obj.roles)

    @display(description="ends after")
    def expiry(self, obj: PromotionPolicy) -> str:
        return f"{obj.expires_after_h} h" if obj.expires_after_h else "never"

    @display(description="changed", ordering="changed_at")
    def changed(self, obj: PromotionPolicy) -> str:
        return markup.moment(obj.changed_at)

    def create(self, request: HttpRequest, data: dict[str, Any]) -> PromotionPolicy:
        stage = Stage(data.pop("stage"))
        return services.set_policy(stage=stage, **data, actor=self.actor(request))

    @dialog_action(
        Dialog(
            title="Change",
            text="What is asked from now on. A request that is open keeps what was asked of it; "
            "what is stricter counts for it too.",
            submit="Change policy",
            needs=MANAGE,
            icon="rule",
            form=PolicyDialog,
        )
    )
    def change_policy(self, request: HttpRequest, obj: PromotionPolicy, data: Any) -> str:
        services.set_policy(
            project=obj.project,
            stage=Stage(obj.stage),
            **{name: data[name] for name in ASKED},
            actor=self.actor(request),
        )
        return f"{obj.project.slug} asks this for {obj.stage} from now on."

    def page(self, request: HttpRequest, obj: PromotionPolicy) -> Page:
        return Page(
            title=f"{obj.project.slug}: {obj.stage}",
            badges=(markup.badge(obj.stage),),
            lead=f"What is asked before a version of {obj.project} enters {obj.stage}.",
            facts=(
                Fact("Project", markup.object_link(obj.project)),
                Fact("Approvals", obj.approvals, "different persons without a part in it"),
                Fact("Approved by", " or ".join(obj.roles)),
                Fact("Request ends after", self.expiry(obj)),
                Fact("Changed by", obj.changed_by.username),
                Fact("Changed", markup.moment(obj.changed_at)),
            ),
            panels=(_checks(obj),),
        )


def _checks(obj: PromotionPolicy) -> Panel:
    rows = [
        (check.title, markup.badge("must pass", "warning") if must else "informs")
        for check in checks_of(Stage(obj.stage))
        for must in (check.code in obj.blocking,)
    ]
    return table(
        "Checks",
        ("Check", "Meaning"),
        rows,
        empty="No check belongs to this stage.",
        hint="All are run and shown at each request.",
    )
