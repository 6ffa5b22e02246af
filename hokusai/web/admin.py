"""The base of every page of the console: scoped to a person's projects, written by services."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect
from unfold.admin import ModelAdmin
from unfold.dataclasses import UnfoldAction

from hokusai.accounts.models import Project
from hokusai.accounts.permissions import projects_where
from hokusai.accounts.services import actor_of, person_of
from hokusai.core.errors import DomainError
from hokusai.core.events import Actor
from hokusai.core.models import Event
from hokusai.web import markup, panels
from hokusai.web.estimates import EstimatingPaginator
from hokusai.web.forms import ConsoleForm
from hokusai.web.panels import Page, Panel

EVENTS_SHOWN = 8


class ScopedAdmin(ModelAdmin):
    """A list and a page of rows in the projects that a person belongs to.

    Rows are never changed in a form: what people may do is an action, or an add form, and both
    call a service. `view_permission` and `add_permission` are keys of the permission matrix.
    """

    view_permission = ""
    add_permission = ""
    add_form: type[ConsoleForm] | None = None
    add_lead = ""
    empty_hint = ""
    paginator = EstimatingPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 0
    actions = None
    list_filter_submit = True

    def may(self, request: HttpRequest, permission: str, obj: Any) -> bool:
        """Whether the person holds a permission on this object."""
        return bool(request.user.has_perm(permission, obj))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whoever may log in to the console sees every section; rows are what is scoped."""
        return bool(request.user.is_active and request.user.is_staff)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """On an object, what the role states; on the list, any staff: its rows are scoped."""
        if obj is None:
            return self.has_module_permission(request)
        return self.may(request, self.view_permission, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Where the person holds the permission in some project; asked once per request."""
        if self.add_form is None:
            return False
        kept: dict[str, bool] = request.__dict__.setdefault("_console_may_add", {})
        if self.add_permission not in kept:
            mine = projects_where(request.user, self.add_permission)
            kept[self.add_permission] = mine.exists()
        return kept[self.add_permission]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Rows of the person's projects."""
        return super().get_queryset(request).of_member(request.user)

    def actor(self, request: HttpRequest) -> Actor:
        """Who acts, for the record."""
        return actor_of(person_of(request.user))

    def object_or_404(self, request: HttpRequest, object_id: str) -> Any:
        """The row, read once per request; hidden and absent are the same 404."""
        kept: dict[tuple[type, str], Any] = request.__dict__.setdefault("_console_objects", {})
        key = (self.model, str(object_id))
        if key not in kept:
            kept[key] = self._read_object(request, object_id)
        if kept[key] is None:
            raise Http404
        return kept[key]

    def _read_object(self, request: HttpRequest, object_id: str) -> Any:
        queryset = self.get_queryset(request)
        if self.list_select_related:
            queryset = queryset.select_related(*self.list_select_related)
        if not str(object_id).isdecimal():
            return None
        obj = queryset.filter(pk=int(object_id)).first()
        return obj if obj is not None and self.has_view_permission(request, obj) else None

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:
        """Actions that the person may take and that the object's state allows."""
        obj = self.object_or_404(request, object_id)
        return [
            found
            for found in self._get_base_actions_detail()
            if found.method.console_dialog.when(obj)
            and self.may(request, found.method.console_dialog.needs, obj)
        ]

    def get_actions_row(self, request: HttpRequest) -> list[UnfoldAction]:
        """Actions that the person may take on some row; each row asks again."""
        return [
            found
            for found in self._get_base_actions_row()
            if projects_where(request.user, found.method.console_dialog.needs).exists()
        ]

    def page(self, request: HttpRequest, obj: Any) -> Page:
        """What the object's page shows."""
        return Page(title=str(obj))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list; the title names what is listed. Raises BadRequest for a NUL in a filter."""
        if "%00" in request.META.get("QUERY_STRING", ""):
            raise BadRequest("A filter cannot hold a NUL.")
        title = str(self.opts.verbose_name_plural).capitalize()
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The object's page. It has no form, so it answers GET alone."""
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        obj = self.object_or_404(request, object_id)
        actions = self._get_actions_navigation(
            self.actions_detail, self.get_actions_detail(request, object_id), object_id
        )
        extra = {"actions_detail": actions, **(extra_context or {})}
        return self.render_page(request, obj, self.page(request, obj), **extra)

    def render_page(
        self, request: HttpRequest, obj: Any, page: Page, **extra: Any
    ) -> TemplateResponse:
        """A page about an object."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": obj,
            "title": page.title,
            "page": page,
            **extra,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "console/object.html", context)

    @method_decorator(csrf_protect)
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A form whose data a service turns into a row."""
        if self.add_form is None or not self.has_add_permission(request):
            raise PermissionDenied
        posted = request.method == "POST"
        form = self.add_form(
            request.POST if posted else None,
            request.FILES if posted else None,
            request=request,
            initial=request.GET.dict(),
        )
        if posted and form.is_valid():
            answer = self._created(request, form)
            if answer is not None:
                return answer
        return self._render_form(request, form)

    def _created(self, request: HttpRequest, form: ConsoleForm) -> HttpResponse | None:
        try:
            return self.added(request, self.create(request, form.cleaned_data))
        except DomainError as error:
            form.add_error(None, str(error))
            return None

    def create(self, request: HttpRequest, data: dict[str, Any]) -> Any:
        """Call the service that makes the row. Raises Forbidden or any other DomainError."""
        raise NotImplementedError

    def added(self, request: HttpRequest, made: Any) -> HttpResponse:
        """Where to go with what was made."""
        messages.success(request, f"{str(self.opts.verbose_name).capitalize()} {made} was made.")
        return HttpResponseRedirect(markup.object_url(made))

    def _render_form(self, request: HttpRequest, form: ConsoleForm) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Add {self.opts.verbose_name}",
            "form": form,
            "lead": self.add_lead,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "console/form.html", context)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The record of events is the history."""
        return HttpResponseRedirect(markup.object_url(self.object_or_404(request, object_id)))

    def activity(self, request: HttpRequest, obj: Model) -> Panel | None:
        """What happened to the object, for those who may read the record; None for nothing."""
        if not self.may(request, "core.view_event", obj):
            return None
        events = Event.objects.of(getattr(obj, "public_id", ""))[:EVENTS_SHOWN]
        rows = [
            (
                markup.moment(event.recorded_at),
                markup.object_link(event, event.tag),
                event.actor_label or event.actor,
            )
            for event in events
        ]
        return panels.table("Activity", ("When", "What", "Who"), rows, empty="") if rows else None


class OperationsAdmin(ScopedAdmin):
    """Rows that know their project by number alone: events, jobs, deliveries.

    Rows of no project are the platform's and shown to superusers.
    """

    project_path = "project_id"

    def _project_id(self, obj: Any) -> int | None:
        for name in self.project_path.split("__"):
            obj = getattr(obj, name)
        return obj

    def may(self, request: HttpRequest, permission: str, obj: Any) -> bool:
        """Whether the person holds a permission in the row's project."""
        if request.user.is_superuser:
            return True
        project_id = self._project_id(obj)
        project = None if project_id is None else Project.objects.filter(pk=project_id).first()
        return bool(request.user.has_perm(permission, project))

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Rows of projects in which the person may look into operations."""
        rows = super(ScopedAdmin, self).get_queryset(request)
        if request.user.is_superuser:
            return rows
        allowed = projects_where(request.user, self.view_permission)
        return rows.filter(**{f"{self.project_path}__in": allowed.values("pk")})
