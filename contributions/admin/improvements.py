from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from contributions.impact import credited_ppm
from contributions.models import Improvement
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.graphs import lineage_panel
from hokusai.web.panels import Fact, Page, Panel, chart
from registry.reports import lineage_around


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
        return Page(
            title=str(obj),
            badges=(markup.badge("accepted"),),
            facts=(
                Fact("Model", markup.object_link(obj.model)),
                Fact("Candidate", markup.object_link(obj.candidate)),
                Fact("Baseline", markup.object_link(obj.baseline), "the head when accepted"),
                Fact("Gain", markup.gain(obj.delta_ppm, obj.comparison.benchmark.metric)),
                Fact("Credit split by", obj.method.replace("_", " ")),
                Fact("Comparison", markup.link("open", markup.object_url(obj.comparison))),
                Fact("Attestation", markup.object_link(attestation, label)),
                Fact("Recorded", markup.moment(obj.created_at)),
                Fact("Id", markup.mono(obj.public_id)),
            ),
            panels=(
                _shares(obj),
                lineage_panel(lineage_around(request.user, [obj.public_id]), obj.public_id),
                self.activity(request, obj),
            ),
        )


def _shares(obj: Improvement) -> Panel:
    shares = list(obj.shares.select_related("improvement", "contribution__wallet__contributor"))
    people = [str(share.contribution.wallet.contributor) for share in shares]
    return chart(
        "Shares",
        "ranking",
        {
            "labels": people,
            "values": [share.basis_points / 100 for share in shares],
            "unit": "percent of the gain",
        },
        key="shares",
        empty="" if shares else "No contribution has a share: the gain is engineering's.",
        headers=("Contributor", "Contribution", "Share", "Credited"),
        rows=[
            (
                person,
                markup.link(share.contribution.public_id, markup.object_url(share.contribution)),
                f"{share.basis_points / 100:.2f} %",
                markup.points(credited_ppm(share)),
            )
            for person, share in zip(people, shares, strict=True)
        ],
        height_px=200,
    )
