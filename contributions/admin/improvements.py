from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from unfold.decorators import display

from contributions import services
from contributions.admin import attributions
from contributions.attribution_reports import (
    SEES_GIVERS,
    AttributionView,
    attribution_of,
    attribution_view,
    sees_givers,
)
from contributions.choices import AttributionStatus
from contributions.impact import credited_ppm
from contributions.models import Improvement
from hokusai.storage import stores
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.graphs import lineage_panel
from hokusai.web.panels import Fact, Page, Panel, chart
from registry.reports import lineage_around


def _has_failed(obj: Improvement) -> bool:
    attribution = attribution_of(obj)
    return attribution is not None and attribution.status == AttributionStatus.FAILED


@admin.register(Improvement)
class ImprovementAdmin(ScopedAdmin):
    """Accepted gains, and how their credit is split."""

    view_permission = "contributions.view_improvement"
    empty_hint = "An improvement is recorded when a comparison with the head is accepted."
    list_display = ("name", "model", "gain", "method", "attested", "created")
    list_select_related = (
        "model__project",
        "comparison__benchmark",
        "baseline__model",
        "candidate__model",
        "attestation",
    )
    list_filter = (("created_at", admin.DateFieldListFilter),)
    search_fields = ("=public_id", "^model__model_id")
    actions_detail = ("ask_another", "try_again")

    @dialog_action(
        Dialog(
            title="Another method",
            text="A worker attributes the same gain by another method, to compare. No share "
            "changes by it, and nothing of it is paid.",
            submit="Attribute",
            needs="contributions.request_attribution",
            icon="balance",
            form=attributions.MethodForm,
            when=lambda obj: attribution_of(obj) is not None,
        )
    )
    def ask_another(self, request: HttpRequest, obj: Improvement, data: dict[str, Any]) -> str:
        services.request_attribution(
            improvement_id=obj.pk, method=data["method"], actor=self.actor(request)
        )
        return f"{data['method']} is being asked; this page shows what it says."

    @dialog_action(
        Dialog(
            title="Try again",
            text="The coalitions that are missing are trained again; those that are kept are not.",
            submit="Try again",
            needs="contributions.request_attribution",
            icon="refresh",
            when=_has_failed,
        )
    )
    def try_again(self, request: HttpRequest, obj: Improvement, data: dict[str, Any]) -> str:
        services.request_attribution(
            improvement_id=obj.pk, method=obj.attribution.method, actor=self.actor(request)
        )
        return "The credit is being worked out again."

    def get_custom_urls(self) -> tuple[tuple[str, str, Any], ...]:
        """The report as a file."""
        return (("<path:object_id>/report/", "contributions_improvement_report", self.report),)

    def report(self, request: HttpRequest, object_id: str, model_admin: Any = None) -> HttpResponse:
        """All that led to the attribution, in the bytes that its digest names."""
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        obj = self.object_or_404(request, object_id)
        attribution = attribution_of(obj)
        if not self.may(request, SEES_GIVERS, obj):
            raise PermissionDenied
        if attribution is None or not attribution.report_digest:
            raise Http404
        name = f"{attribution.public_id}.json"
        return HttpResponse(
            stores["default"].get(attribution.report_digest),
            content_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    @display(description="improvement")
    def name(self, obj: Improvement) -> str:
        return str(obj)

    @display(description="gain", ordering="delta_ppm")
    def gain(self, obj: Improvement) -> str:
        return markup.gain(obj.delta_ppm, obj.comparison.benchmark.metric)

    @display(description="attestation")
    def attested(self, obj: Improvement) -> str:
        attestation = getattr(obj, "attestation", None)
        return markup.badge(attestation.status) if attestation else markup.NOTHING

    @display(description="recorded", ordering="created_at")
    def created(self, obj: Improvement) -> str:
        return markup.moment(obj.created_at)

    def page(self, request: HttpRequest, obj: Improvement) -> Page:
        attestation = getattr(obj, "attestation", None)
        label = attestation.status if attestation else ""
        view = _view(request, obj)
        return Page(
            title=str(obj),
            badges=(markup.badge("accepted"),),
            notices=attributions.notices(view),
            facts=(
                Fact("Model", markup.object_link(obj.model)),
                Fact("Candidate", markup.object_link(obj.candidate)),
                Fact("Baseline", markup.object_link(obj.baseline), "the head when accepted"),
                Fact("Gain", markup.gain(obj.delta_ppm, obj.comparison.benchmark.metric)),
                *attributions.facts(obj, view),
                Fact("Comparison", markup.link("open", markup.object_url(obj.comparison))),
                Fact("Attestation", markup.object_link(attestation, label)),
                Fact("Recorded", markup.moment(obj.created_at)),
                Fact("Id", markup.mono(obj.public_id)),
            ),
            panels=(
                *attributions.panels(view),
                _shares(request, obj),
                lineage_panel(lineage_around(request.user, [obj.public_id]), obj.public_id),
                self.activity(request, obj),
            ),
            refresh_s=attributions.REFRESH_S if _waits(view) else 0,
        )


def _view(request: HttpRequest, obj: Improvement) -> AttributionView | None:
    attribution = attribution_of(obj)
    return None if attribution is None else attribution_view(attribution, obj, request.user)


def _waits(view: AttributionView | None) -> bool:
    if view is None:
        return False
    return any(one.status == AttributionStatus.PENDING for one in (view, *view.alternatives))


def _shares(request: HttpRequest, obj: Improvement) -> Panel:
    shares = list(obj.shares.select_related("improvement", "contribution__wallet__contributor"))
    named = sees_givers(request.user, obj)
    people = [
        str(share.contribution.wallet.contributor) if named else f"contributor {place}"
        for place, share in enumerate(shares, 1)
    ]
    return chart(
        "Shares",
        "ranking",
        {
            "labels": people,
            "values": [share.basis_points / 100 for share in shares],
            "unit": "percent of the gain",
        },
        key="shares",
        empty="" if shares else "Nobody has a share of this gain.",
        headers=("Contributor", "Contribution", "Share", "Credited"),
        rows=[
            (
                person,
                markup.object_link(share.contribution, share.contribution.public_id)
                if named
                else markup.NOTHING,
                f"{share.basis_points / 100:.2f} %",
                markup.gain(credited_ppm(share), obj.comparison.benchmark.metric),
            )
            for person, share in zip(people, shares, strict=True)
        ],
        height_px=200,
    )
