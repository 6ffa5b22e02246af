from datetime import UTC, date, datetime, time
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.decorators import display
from unfold.enums import ActionVariant

from hokusai.accounts import services
from hokusai.accounts.choices import Role, Scope
from hokusai.accounts.models import ApiKey, Invitation, Project
from hokusai.accounts.permissions import projects_where
from hokusai.accounts.services import Shown
from hokusai.core.errors import Forbidden
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.forms import ConsoleForm, offer
from hokusai.web.panels import Fact, Page
from registry.models import Model


class InvitationForm(ConsoleForm):
    """An offer of a role."""

    project = forms.ModelChoiceField(Project.objects.none())
    email = forms.EmailField()
    role = forms.ChoiceField(choices=Role.choices, initial=Role.CONTRIBUTOR)

    def scope(self, user: Any) -> None:
        offer(self, "project", projects_where(user, "accounts.manage_members"))


class ModelsField(forms.ModelMultipleChoiceField):
    """Models by their ids."""

    def label_from_instance(self, obj: Any) -> str:
        return str(obj.model_id)


class ApiKeyForm(ConsoleForm):
    """A new key of one's own."""

    project = forms.ModelChoiceField(Project.objects.none())
    name = forms.CharField(max_length=100, help_text="What will use it.")
    scopes = forms.MultipleChoiceField(choices=Scope.choices, initial=[Scope.READ])
    models = ModelsField(
        Model.objects.none(),
        required=False,
        to_field_name="model_id",
        help_text="Empty for all of the project. For some alone it reads and predicts, no more.",
    )
    expires_at = forms.DateField(required=False, help_text="Empty for a key without an end.")

    def scope(self, user: Any) -> None:
        own = user.memberships.values("project")
        offer(self, "project", Project.objects.filter(pk__in=own))
        offer(self, "models", Model.objects.filter(project__in=own, archived_at=None))


class ShownOnceAdmin(ScopedAdmin):
    """Rows whose secret is shown right after they are made and never again."""

    kept_note = "Only its hash is kept."

    def added(self, request: HttpRequest, made: Any) -> HttpResponse:
        """Show the secret in the answer itself: no redirect, no session, no log holds it."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": str(self.opts.verbose_name),
            "made": made.row,
            "secret": made.secret,
            "kept_note": self.kept_note,
            "href": markup.object_url(made.row),
        }
        return TemplateResponse(request, "console/secret.html", context)


@admin.register(ApiKey)
class ApiKeyAdmin(ShownOnceAdmin):
    """Programs' ways in."""

    view_permission = "accounts.view_project"
    add_permission = "accounts.use_api_keys"
    add_form = ApiKeyForm
    add_lead = "The key acts for you in one project, within your role. It is shown once."
    empty_hint = "Programs log in with a key. Add one for each program."
    list_display = ("name", "prefix_text", "project", "owner", "scope_labels", "state", "created")
    list_select_related = ("project", "owner")
    search_fields = ("^name", "^prefix", "=public_id", "^owner__username")
    actions_detail = ("revoke",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        """One's own keys, and all of the projects that one owns."""
        rows = super().get_queryset(request)
        if request.user.is_superuser:
            return rows
        owned = projects_where(request.user, "accounts.manage_members")
        return rows.filter(owner=request.user) | rows.filter(project__in=owned)

    @display(description="begins with")
    def prefix_text(self, obj: ApiKey) -> str:
        return markup.mono(f"{obj.prefix}…")

    @display(description="scopes")
    def scope_labels(self, obj: ApiKey) -> str:
        return ", ".join(obj.scopes)

    @display(description="state")
    def state(self, obj: ApiKey) -> str:
        return markup.badge(_key_state(obj))

    @display(description="made", ordering="created_at")
    def created(self, obj: ApiKey) -> str:
        return markup.moment(obj.created_at)

    def create(self, request: HttpRequest, data: dict[str, Any]) -> Shown:
        if not self.may(request, self.add_permission, data["project"]):
            raise Forbidden("You may not make keys for this project.")
        end = data.pop("expires_at")
        expires_at = _end_of(end) if end else None
        chosen = [model.model_id for model in data.pop("models")]
        actor = self.actor(request)
        return services.create_api_key(
            owner=services.person_of(request.user),
            actor=actor,
            expires_at=expires_at,
            model_ids=chosen,
            **data,
        )

    @dialog_action(
        Dialog(
            title="Revoke",
            text="The key stops working at once, and for good.",
            submit="Revoke",
            needs="accounts.use_api_keys",
            icon="key_off",
            variant=ActionVariant.DANGER,
            when=lambda obj: obj.revoked_at is None,
        )
    )
    def revoke(self, request: HttpRequest, obj: ApiKey, data: dict[str, Any]) -> str:
        services.revoke_api_key(key_id=obj.pk, actor=self.actor(request))
        return f"{obj.name} was revoked."

    def page(self, request: HttpRequest, obj: ApiKey) -> Page:
        return Page(
            title=obj.name,
            badges=(self.state(obj),),
            facts=(
                Fact("Begins with", markup.mono(f"{obj.prefix}…")),
                Fact("Project", markup.object_link(obj.project)),
                Fact("Acts for", obj.owner.username),
                Fact("Scopes", ", ".join(obj.scopes)),
                Fact("Models", ", ".join(obj.model_ids) or "all of the project"),
                Fact("Limit", f"{obj.rate_per_minute} requests per minute"),
                Fact("Expires", markup.moment(obj.expires_at)),
                Fact("Revoked", markup.moment(obj.revoked_at)),
                Fact("Id", markup.mono(obj.public_id)),
            ),
        )


@admin.register(Invitation)
class InvitationAdmin(ShownOnceAdmin):
    """Offers of roles."""

    view_permission = "accounts.manage_members"
    add_permission = "accounts.manage_members"
    add_form = InvitationForm
    add_lead = "Send the token that is shown next to the person; it is valid for 14 days."
    empty_hint = "Invite somebody who has no account yet, or set members on a project's page."
    list_display = ("email", "project", "role", "accepted_by", "expires")
    list_select_related = ("project", "accepted_by", "invited_by")
    search_fields = ("^email", "=public_id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Invitation]:
        """Invitations to the projects whose members the person manages."""
        allowed = projects_where(request.user, self.view_permission)
        return super().get_queryset(request).filter(project__in=allowed)

    @display(description="expires", ordering="expires_at")
    def expires(self, obj: Invitation) -> str:
        return markup.moment(obj.expires_at)

    def create(self, request: HttpRequest, data: dict[str, Any]) -> Shown:
        role = Role(data.pop("role"))
        return services.invite(role=role, actor=self.actor(request), **data)

    def page(self, request: HttpRequest, obj: Invitation) -> Page:
        return Page(
            title=str(obj),
            facts=(
                Fact("Project", markup.object_link(obj.project)),
                Fact("Role", markup.badge(obj.role)),
                Fact("Invited by", obj.invited_by.username),
                Fact("Accepted by", obj.accepted_by.username if obj.accepted_by else "—"),
                Fact("Expires", markup.moment(obj.expires_at)),
            ),
        )


def _key_state(obj: ApiKey) -> str:
    if obj.revoked_at is not None:
        return "revoked"
    ended = obj.expires_at is not None and obj.expires_at <= timezone.now()
    return "expired" if ended else "active"


def _end_of(day: date) -> datetime:
    """The last moment of a day, UTC."""
    return datetime.combine(day, time.max, tzinfo=UTC)
