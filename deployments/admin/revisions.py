from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from deployments.models import Revision
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.panels import Fact, Notice, Page, plain


@admin.register(Revision)
class RevisionAdmin(ScopedAdmin):
    """One version in one deployment."""

    view_permission = "deployments.view_deployment"
    empty_hint = "Each deploy and each roll-back makes one."
    list_display = ("name", "version", "status_label", "live", "ended")
    list_select_related = (
        "deployment__model__project",
        "version__model",
        "job",
        "created_by",
    )
    list_filter = (("status", ChoicesDropdownFilter),)
    search_fields = ("^deployment__model__model_id", "=public_id")

    @display(description="revision")
    def name(self, obj: Revision) -> str:
        return str(obj)

    @display(description="state", ordering="status")
    def status_label(self, obj: Revision) -> str:
        return markup.badge(obj.status)

    @display(description="live since", ordering="live_at")
    def live(self, obj: Revision) -> str:
        return markup.moment(obj.live_at)

    @display(description="ended", ordering="ended_at")
    def ended(self, obj: Revision) -> str:
        return markup.moment(obj.ended_at)

    def page(self, request: HttpRequest, obj: Revision) -> Page:
        log = obj.job.log if obj.job and self.may(request, "core.view_job", obj) else ""
        return Page(
            title=str(obj),
            badges=(markup.badge(obj.status),),
            notices=[Notice(obj.error, "danger")] if obj.error else (),
            facts=(
                Fact("Deployment", markup.object_link(obj.deployment)),
                Fact("Version", markup.object_link(obj.version)),
                Fact("Digest", markup.mono(obj.digest, 16), "of the bytes that serve"),
                Fact("Endpoint", markup.mono(obj.endpoint)),
                Fact("Live since", markup.moment(obj.live_at)),
                Fact("Ended", markup.moment(obj.ended_at)),
                Fact("Made by", obj.created_by.username),
                Fact("Id", markup.mono(obj.public_id)),
            ),
            panels=(
                plain("Log of the rollout", log, empty="Nothing was logged."),
                self.activity(request, obj),
            ),
        )
