"""The console's page of what was changed here and in MLflow."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from hokusai.accounts.permissions import projects_where
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.panels import Fact, Notice, Page, Panel, table
from registry import services
from registry.choices import ConflictState
from registry.models import ModelVersion, SyncConflict

VALUE_SHOWN = 60
CONFLICTS_SHOWN = 10


def _open(obj: SyncConflict) -> bool:
    return obj.state == ConflictState.OPEN


@admin.register(SyncConflict)
class SyncConflictAdmin(ScopedAdmin):
    """Fields that were changed here and in MLflow, and which side's value stands."""

    view_permission = "core.view_job"
    empty_hint = "Both sides agree. What is changed on both at once appears here."
    list_display = ("version", "field", "here", "there", "state_label", "created")
    list_select_related = ("version__model__project", "resolved_by")
    list_filter = (("state", ChoicesDropdownFilter),)
    search_fields = ("^version__model__model_id", "=public_id", "^field")
    actions_detail = ("ours", "theirs")
    actions_row = ("ours", "theirs")

    def may(self, request: HttpRequest, permission: str, obj: Any) -> bool:
        return super().may(request, permission, obj.version)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        rows = super(ScopedAdmin, self).get_queryset(request)
        if request.user.is_superuser:
            return rows
        return rows.filter(version__project__in=projects_where(request.user, self.view_permission))

    @display(description="here")
    def here(self, obj: SyncConflict) -> str:
        return _value(obj, "ours")

    @display(description="in MLflow")
    def there(self, obj: SyncConflict) -> str:
        return _value(obj, "theirs")

    @display(description="state", ordering="state")
    def state_label(self, obj: SyncConflict) -> str:
        return markup.badge(obj.state, "warning" if _open(obj) else "success")

    @display(description="noticed", ordering="created_at")
    def created(self, obj: SyncConflict) -> str:
        return markup.moment(obj.created_at)

    @dialog_action(
        Dialog(
            title="Keep ours",
            text="The registry's value stands, here and in MLflow.",
            submit="Keep ours",
            needs="registry.register_version",
            icon="home",
            when=_open,
        )
    )
    def ours(self, request: HttpRequest, obj: SyncConflict, data: dict[str, Any]) -> str:
        return self._resolve(request, obj, ConflictState.OURS)

    @dialog_action(
        Dialog(
            title="Take theirs",
            text="MLflow's value stands, here and there.",
            submit="Take theirs",
            needs="registry.register_version",
            icon="cloud_download",
            when=lambda obj: _open(obj) and not services.is_governed(obj),
        )
    )
    def theirs(self, request: HttpRequest, obj: SyncConflict, data: dict[str, Any]) -> str:
        return self._resolve(request, obj, ConflictState.THEIRS)

    def _resolve(self, request: HttpRequest, obj: SyncConflict, choice: ConflictState) -> str:
        services.resolve_conflict(conflict_id=obj.pk, choice=choice, actor=self.actor(request))
        return f"{obj.field} of {obj.version} is decided."

    def page(self, request: HttpRequest, obj: SyncConflict) -> Page:
        governed = services.is_governed(obj)
        text = "Stages and hokusai.* tags are the registry's; its value was put back."
        return Page(
            title=str(obj),
            badges=(self.state_label(obj),),
            notices=[Notice(text, "info")] if governed else (),
            facts=(
                Fact("Version", markup.object_link(obj.version)),
                Fact("Field", markup.mono(obj.field)),
                Fact("Both agreed on", _value(obj, "base")),
                Fact("Here", _value(obj, "ours")),
                Fact("In MLflow", _value(obj, "theirs")),
                Fact("Noticed", markup.moment(obj.created_at)),
                Fact("Decided by", obj.resolved_by.username if obj.resolved_by else "—"),
                Fact("Decided", markup.moment(obj.resolved_at)),
                Fact("Id", markup.mono(obj.public_id)),
            ),
        )


def conflicts_of(request: HttpRequest, version: ModelVersion) -> Panel | None:
    """What of a version is to be decided; for its page. None where both sides agree."""
    rows = [
        (markup.object_link(row, row.field), _value(row, "ours"), _value(row, "theirs"))
        for row in version.conflicts.filter(state=ConflictState.OPEN)[:CONFLICTS_SHOWN]
    ]
    if not rows:
        return None
    hint = "Open one to decide which side's value stands."
    return table("Conflicts with MLflow", ("Field", "Here", "In MLflow"), rows, empty="", hint=hint)


def _value(obj: SyncConflict, side: str) -> str:
    value = obj.values.get(side)
    return markup.NOTHING if value is None else markup.cut(str(value), VALUE_SHOWN)
