from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from contributions.impact import EVERYTHING, Impact, Slice, impact_of
from contributions.models import Contributor, ImpactTotal
from hokusai.accounts.models import Project
from hokusai.core.errors import NotFound
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.panels import Fact, Page, Panel, chart, table


@admin.register(ImpactTotal)
class ImpactTotalAdmin(ScopedAdmin):
    """People by what their data is credited with: confirmed on untouched rows, and attested."""

    view_permission = "contributions.view_improvement"
    empty_hint = (
        "Credit appears when an improvement was confirmed on untouched rows and its attestation "
        "was signed. Keep some rows of a benchmark for confirmation to get there."
    )
    list_display = ("person", "in_project", "metric", "credited", "shares")
    list_select_related = ("contributor", "project")
    list_filter = (("project", admin.RelatedOnlyFieldListFilter), "metric")
    search_fields = (
        "^contributor__name",
        "=contributor__public_id",
        "=contributor__wallets__address",
    )
    search_help_text = "By name, id or address."

    @display(description="contributor")
    def person(self, obj: ImpactTotal) -> str:
        return str(obj.contributor)

    @display(description="project")
    def in_project(self, obj: ImpactTotal) -> str:
        return str(obj.project)

    @display(description="credited", ordering="gain_e10")
    def credited(self, obj: ImpactTotal) -> str:
        return markup.gain(obj.gain_e10 // 10_000, obj.metric)

    def page(self, request: HttpRequest, obj: ImpactTotal) -> Page:
        seen = Project.objects.filter(pk=obj.project_id)
        return Page(
            title=f"{obj.contributor} in {obj.project}",
            lead="What untouched rows confirmed and attestations prove.",
            facts=(
                Fact("Contributor", markup.object_link(obj.contributor)),
                Fact("Project", str(obj.project)),
                Fact("Metric", obj.metric),
                Fact("Credited", self.credited(obj)),
                Fact("Shares", obj.shares),
            ),
            panels=impact_panels(obj.contributor, seen, Slice(project=obj.project.slug)),
        )


def impact_panels(
    contributor: Contributor, seen: QuerySet[Project], part: Slice = EVERYTHING
) -> Sequence[Panel]:
    """A person's credit over time, by model, and line by line with what proves it."""
    wallet = contributor.wallets.order_by("id").first()
    if wallet is None:
        return ()
    try:
        impact = impact_of(wallet.address, seen, part)
    except NotFound:
        return ()
    metric = impact.totals[0].metric if impact.totals else ""
    return (_over_time(impact, metric), _totals(impact), _lines(impact))


def _over_time(impact: Impact, metric: str) -> Panel:
    months = [line for line in impact.months if line.metric == metric]
    return chart(
        f"Credit attested per month{f' in {metric}' if metric else ''}",
        "columns",
        {
            "labels": [line.month.strftime("%b %Y") for line in months],
            "unit": markup.unit_of_gain(metric),
            "series": [
                {
                    "name": "credited",
                    "tone": "success",
                    "values": [markup.in_units(line.credited_ppm, metric) for line in months],
                }
            ],
        },
        key="credit-per-month",
        empty="" if months else "No attested credit yet.",
        headers=("Month", "Metric", "Credited"),
        rows=[
            (
                line.month.strftime("%B %Y"),
                line.metric,
                markup.gain(line.credited_ppm, line.metric),
            )
            for line in impact.months
        ],
        wide=False,
    )


def _totals(impact: Impact) -> Panel:
    ranks = [
        (
            line.metric,
            "all models",
            markup.gain(line.credited_ppm, line.metric),
            line.shares,
            f"{line.rank} of {line.people}",
        )
        for line in impact.totals
    ]
    models = [
        (
            line.metric,
            line.model_id,
            markup.gain(line.credited_ppm, line.metric),
            line.shares,
            markup.NOTHING,
        )
        for line in impact.models
    ]
    headers = ("Metric", "Model", "Credited", "Shares", "Rank")
    return table(
        "Credit by metric and model",
        headers,
        [*ranks, *models],
        empty="No attested credit yet.",
        hint="Gains were measured one after another, each against the version it replaced; what "
        "the models gained in all is measured anew on each model's page.",
        wide=False,
    )


def _lines(impact: Impact) -> Panel:
    rows: list[tuple[Any, ...]] = [
        (
            markup.found_link(f"{line.model_id} v{line.version}", line.improvement_id),
            markup.gain(line.delta_ppm, line.metric),
            markup.gain(line.payable_ppm, line.metric)
            if line.payable_ppm
            else line.payable_reason.replace("_", " ") or markup.NOTHING,
            f"{line.basis_points / 100:.2f} %",
            markup.gain(line.credited_ppm, line.metric),
            line.method,
            markup.found_link(line.attestation_id[:12], f"att_{line.attestation_id}")
            if line.attestation_id
            else "not signed yet",
        )
        for line in impact.improvements
    ]
    headers = ("Improvement", "Measured", "Confirmed", "Share", "Credited", "Method", "Proof")
    return table(
        "Improvements with a share",
        headers,
        rows,
        empty="No improvement was made with this person's data yet.",
    )
