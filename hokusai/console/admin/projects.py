from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from hokusai.accounts import services
from hokusai.accounts.choices import Role, Visibility
from hokusai.accounts.models import Membership, Project, User
from hokusai.core.errors import InvalidInput
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.forms import ConsoleForm, DialogForm
from hokusai.web.panels import Fact, Page, Panel, table


class ProjectForm(ConsoleForm):
    """A new project; whoever makes it owns it."""

    slug = forms.SlugField(max_length=63, help_text="Begins every model id, never changed.")
    name = forms.CharField(max_length=200)
    description = forms.CharField(required=False, widget=forms.Textarea)
    visibility = forms.ChoiceField(choices=Visibility.choices)


class MemberDialog(DialogForm):
    """Who, in which role."""

    username = forms.CharField(max_length=150)
    role = forms.ChoiceField(choices=Role.choices, initial=Role.CONTRIBUTOR)


@admin.register(Project)
class ProjectAdmin(ScopedAdmin):
    """Spaces of teams."""

    view_permission = "accounts.view_project"
    add_form = ProjectForm
    add_lead = "A project holds models, data, benchmarks and deployments, and the people in it."
    empty_hint = "Everything belongs to a project. Add the first one."
    list_display = ("name", "slug", "visibility_label", "created")
    search_fields = ("^slug", "^name")
    list_filter = (("visibility", ChoicesDropdownFilter),)
    actions_detail = ("set_member", "remove_member")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Any staff may begin a project."""
        return self.has_module_permission(request)

    @display(description="seen by", ordering="visibility")
    def visibility_label(self, obj: Project) -> str:
        return markup.badge(obj.visibility)

    @display(description="made", ordering="created_at")
    def created(self, obj: Project) -> str:
        return markup.moment(obj.created_at)

    def create(self, request: HttpRequest, data: dict[str, Any]) -> Project:
        return services.create_project(actor=self.actor(request), **data)

    @dialog_action(
        Dialog(
            title="Set member",
            text="Give a person a role in this project, or change the one they have.",
            submit="Set member",
            needs="accounts.manage_members",
            icon="person_add",
            form=MemberDialog,
        )
    )
    def set_member(self, request: HttpRequest, obj: Project, data: dict[str, Any]) -> str:
        person = _person(data["username"])
        services.set_member(
            project=obj, user=person, role=Role(data["role"]), actor=self.actor(request)
        )
        return f"{person} is {data['role']} of {obj}."

    @dialog_action(
        Dialog(
            title="Remove member",
            text="Take a person's role away; their API keys for this project end at once. The role "
            "below does not matter.",
            submit="Remove",
            needs="accounts.manage_members",
            icon="person_remove",
            form=MemberDialog,
            variant=ActionVariant.DANGER,
        )
    )
    def remove_member(self, request: HttpRequest, obj: Project, data: dict[str, Any]) -> str:
        person = _person(data["username"])
        services.remove_member(project=obj, user=person, actor=self.actor(request))
        return f"{person} is no member of {obj} any more."

    def page(self, request: HttpRequest, obj: Project) -> Page:
        return Page(
            title=obj.name,
            badges=(markup.badge(obj.visibility),),
            lead=obj.description,
            facts=(
                Fact("Name in addresses", markup.mono(obj.slug)),
                Fact("Models", obj.models.count()),
                Fact("Made", markup.moment(obj.created_at)),
                Fact("Id", markup.mono(obj.public_id)),
            ),
            panels=(_members(obj), self.activity(request, obj)),
        )


def _person(username: str) -> User:
    person = User.objects.filter(username=username, is_active=True).first()
    if person is None:
        raise InvalidInput(f"Nobody is called {username}.")
    return person


def _members(obj: Project) -> Panel:
    rows = [
        (member.user.username, markup.badge(member.role), markup.moment(member.created_at))
        for member in obj.memberships.select_related("user")
    ]
    return table("Members", ("Person", "Role", "Since"), rows, empty="Nobody. Set one above.")


@admin.register(Membership)
class MembershipAdmin(ScopedAdmin):
    """Who has which role where; changed on the project's page."""

    view_permission = "accounts.view_project"
    empty_hint = "Set members on the page of a project."
    list_display = ("user", "project", "role_label", "since")
    list_select_related = ("user", "project")
    list_filter = (("role", ChoicesDropdownFilter),)
    search_fields = ("^user__username", "^project__slug")

    @display(description="role", ordering="role")
    def role_label(self, obj: Membership) -> str:
        return markup.badge(obj.role)

    @display(description="since", ordering="created_at")
    def since(self, obj: Membership) -> str:
        return markup.moment(obj.created_at)

    def page(self, request: HttpRequest, obj: Membership) -> Page:
        return Page(
            title=str(obj),
            badges=(markup.badge(obj.role),),
            facts=(
                Fact("Person", obj.user.username),
                Fact("Project", markup.object_link(obj.project), "roles are set there"),
                Fact("Since", markup.moment(obj.created_at)),
            ),
        )
