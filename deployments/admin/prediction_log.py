from typing import Any

import orjson
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from deployments.log_models import PredictionLog
from deployments.models import Deployment
from hokusai.accounts.permissions import projects_where
from hokusai.web import markup
from hokusai.web.admin import OperationsAdmin
from hokusai.web.keyset import KeysetChangeList
from hokusai.web.panels import Fact, Notice, Page, Panel, plain

VIEW = "deployments.view_predictionlog"
SERVER_ERROR = 500
CLIENT_ERROR = 400
DIGITS = 18
CHOICES = 500
# From which status on, and below which.
_ENDS = {
    "answered": (0, CLIENT_ERROR),
    "refused": (CLIENT_ERROR, SERVER_ERROR),
    "failed": (SERVER_ERROR, 1_000),
}


class DeploymentFilter(DropdownFilter):
    """One of the deployments whose log the person may see."""

    title, parameter_name = "deployment", "deployment"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """Those that there are, by name."""
        rows = Deployment.objects.select_related("model").order_by("model__model_id", "slug")
        if not request.user.is_superuser:
            allowed = projects_where(request.user, VIEW)
            rows = rows.filter(model__project__in=allowed.values("pk"))
        return [(row.public_id, str(row)) for row in rows[:CHOICES]]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Its predictions."""
        if not self.value():
            return queryset
        found = Deployment.objects.filter(public_id=self.value()).values_list("pk", flat=True)
        return queryset.filter(deployment_id__in=list(found))


class EndFilter(DropdownFilter):
    """How predictions ended."""

    title, parameter_name = "status", "end"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("answered", "answered"), ("refused", "refused (4xx)"), ("failed", "failed (5xx)")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Those that ended so."""
        first, after = _ENDS.get(self.value() or "", (0, 1_000))
        return queryset.filter(status__gte=first, status__lt=after) if self.value() else queryset


@admin.register(PredictionLog)
class PredictionLogAdmin(OperationsAdmin):
    """What was asked of deployments and what they answered, for a while."""

    view_permission = VIEW
    empty_hint = "Ask a deployment for a prediction; it is here a second later."
    list_display = ("request_label", "place", "asked", "status_label", "rows", "took", "asked_by")
    list_select_related = ("deployment__model", "revision__version__model")
    list_filter = (DeploymentFilter, EndFilter)
    search_fields = ("=request_id",)
    search_help_text = "request id"

    def get_changelist(self, request: HttpRequest, **kwargs: object) -> type[KeysetChangeList]:
        return KeysetChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Rows without what was asked and answered; a page reads that of its own."""
        return super().get_queryset(request).defer("input", "output")

    def _read_object(self, request: HttpRequest, object_id: str) -> PredictionLog | None:
        if not str(object_id).isdecimal() or len(str(object_id)) > DIGITS:
            return None
        rows: Any = self.get_queryset(request).defer(None)
        rows = rows.select_related(*self.list_select_related)
        obj = rows.of_key(int(object_id)).first()
        return obj if obj is not None and self.has_view_permission(request, obj) else None

    @display(description="request")
    def request_label(self, obj: PredictionLog) -> str:
        return markup.mono(obj.request_id, 16)

    @display(description="deployment")
    def place(self, obj: PredictionLog) -> str:
        return f"{obj.deployment} v{obj.revision.version.number}"

    @display(description="when", ordering="at")
    def asked(self, obj: PredictionLog) -> str:
        return markup.moment(obj.at)

    @display(description="status")
    def status_label(self, obj: PredictionLog) -> str:
        return _status(obj)

    @display(description="took")
    def took(self, obj: PredictionLog) -> str:
        return f"{obj.total_ms:.1f} ms"

    @display(description="asked by")
    def asked_by(self, obj: PredictionLog) -> str:
        return markup.mono(obj.key_id, 14)

    def page(self, request: HttpRequest, obj: PredictionLog) -> Page:
        hidden = ", ".join(obj.redacted or ())
        taken = f"Of these columns no value was kept: {hidden}." if hidden else ""
        return Page(
            title=f"Prediction {obj.request_id}",
            badges=(_status(obj),),
            notices=[Notice(taken)] if taken else (),
            facts=(
                Fact("Deployment", markup.object_link(obj.deployment)),
                Fact("Revision", markup.object_link(obj.revision)),
                Fact("Version", markup.object_link(obj.revision.version)),
                Fact("Asked", markup.moment(obj.at)),
                Fact("Asked by", markup.mono(obj.key_id)),
                Fact("Rows", obj.rows),
                Fact("Took", f"{obj.total_ms:.2f} ms", f"{obj.model_ms:.2f} ms in the model"),
                Fact("From the cache", "yes" if obj.cached else "no"),
                Fact("Error", markup.mono(obj.code)),
                Fact("Stands for", f"{obj.weight:g}", "predictions, where the log is sampled"),
                Fact("Digest of the input", markup.mono(obj.input_digest, 16), "keyed"),
                Fact("Id", markup.mono(obj.public_id)),
            ),
            panels=(
                _payload("Input", obj.input, obj.input_bytes, obj.content_type),
                _payload("Output", obj.output, obj.output_bytes, ""),
            ),
        )


def _status(obj: PredictionLog) -> str:
    tone = "success" if obj.status < CLIENT_ERROR else "warning"
    return markup.badge(str(obj.status), "danger" if obj.status >= SERVER_ERROR else tone)


def _payload(title: str, value: object, size_bytes: int, content_type: str) -> Panel:
    shown = "" if value is None else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    said = " ".join(filter(None, (markup.size(size_bytes), content_type)))
    return plain(
        title,
        shown,
        empty=f"Not kept ({said}): the deployment keeps none, it was too large, or it was no JSON.",
        hint=said,
        wide=False,
    )
