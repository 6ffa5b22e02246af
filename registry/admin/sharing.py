"""Pages of what other projects share: to be read, marked as theirs."""

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Value
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.decorators import display

from hokusai.accounts.models import Membership, Project
from hokusai.accounts.permissions import role_in
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin


class SharedAdmin(ScopedAdmin):
    """Rows of one's own projects, and of models that others share, which are only read."""

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """What is at hand; `theirs` marks what is shared, which no form offers to choose."""
        rows = super(ScopedAdmin, self).get_queryset(request)
        choosing = request.resolver_match and request.resolver_match.url_name == "autocomplete"
        rows = rows.of_member(request.user) if choosing else rows.at_hand(request.user)
        own = Membership.objects.filter(user=request.user.pk, project=OuterRef("project"))
        theirs = Value(False) if request.user.is_superuser else ~Exists(own)
        return rows.annotate(theirs=theirs)

    def may(self, request: HttpRequest, permission: str, obj: Any) -> bool:
        """Whether the person holds a permission; whoever a row is shared with may look at it."""
        if super().may(request, permission, obj):
            return True
        if permission != self.view_permission:
            return False
        return type(obj)._default_manager.at_hand(request.user).filter(pk=obj.pk).exists()  # noqa: SLF001

    @display(description="project", ordering="project")
    def owner_label(self, obj: Any) -> str:
        if not obj.theirs:
            return markup.object_link(obj.project)
        return format_html("{} {}", obj.project, markup.badge("shared", "info"))


def is_theirs(request: HttpRequest, project: Project) -> bool:
    """Whether somebody only sees it because it is shared, or public."""
    return not request.user.is_superuser and role_in(request.user, project) is None


def shared_badges(request: HttpRequest, project: Project) -> tuple[Any, ...]:
    """Says by whom a thing is shared; nothing on one's own."""
    if not is_theirs(request, project):
        return ()
    return (markup.badge(f"shared by {project.slug}", "info"),)


def owner_fact(request: HttpRequest, project: Project) -> Any:
    """The project, as a link for those who may open it."""
    return project.slug if is_theirs(request, project) else markup.object_link(project)


def link_if_seen(request: HttpRequest, obj: Any, text: str = "") -> Any:
    """A link to a model or version; of one that is not theirs to see, that there is one."""
    if obj is None:
        return markup.NOTHING
    seen = type(obj)._default_manager.at_hand(request.user)  # noqa: SLF001
    if not seen.filter(pk=obj.pk).exists():
        return format_html('<span class="hk-nothing">{}</span>', "hidden")
    return markup.object_link(obj, text)
