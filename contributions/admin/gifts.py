from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from contributions import services
from contributions.admin.impact import impact_panels
from contributions.choices import ContributionStatus
from contributions.forms import ContributionForm
from contributions.impact import credited_ppm
from contributions.models import Contribution, Contributor, Share
from hokusai.accounts.models import Project
from hokusai.accounts.services import person_of
from hokusai.core.errors import Forbidden
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.graphs import lineage_panel
from hokusai.web.panels import Fact, Notice, Page, Panel, table
from registry.reports import lineage_around

GIVEN_SHOWN = 30


@admin.register(Contribution)
class ContributionAdmin(ScopedAdmin):
    """Data that people gave, and what became of it."""

    view_permission = "contributions.view_contribution"
    add_permission = "contributions.add_contribution"
    add_form = ContributionForm
    add_lead = "Rows are checked in the background: their form, and whether a benchmark holds them."
    empty_hint = "Members give data at /contribute/, with the API, or here."
    list_display = (
        "public_id",
        "model",
        "giver",
        "rows",
        "licence",
        "status_label",
        "created",
    )
    list_select_related = (
        "project",
        "model",
        "wallet__contributor",
        "dataset_version__dataset__project",
        "submitted_by",
        "job",
    )
    list_filter = (("status", ChoicesDropdownFilter), ("licence", ChoicesDropdownFilter))
    search_fields = ("=public_id", "^model__model_id", "=wallet__address")
    search_help_text = "By id, model id or address."
    actions_detail = ("withdraw",)

    @display(description="given by")
    def giver(self, obj: Contribution) -> str:
        return obj.wallet.contributor.name or markup.mono(obj.wallet.address, 12)

    @display(description="rows")
    def rows(self, obj: Contribution) -> int | None:
        return obj.dataset_version.row_count

    @display(description="state", ordering="status")
    def status_label(self, obj: Contribution) -> str:
        return markup.badge(obj.status)

    @display(description="given", ordering="created_at")
    def created(self, obj: Contribution) -> str:
        return markup.moment(obj.created_at)

    def create(self, request: HttpRequest, data: dict[str, Any]) -> Contribution:
        if not self.may(request, self.add_permission, data["model"]):
            raise Forbidden("You may not contribute to this model.")
        content = data.pop("file").read()
        return services.submit_contribution(content=content, actor=self.actor(request), **data)

    @dialog_action(
        Dialog(
            title="Withdraw",
            text="Take the data back before it is used; only whoever gave it can.",
            submit="Withdraw",
            needs="contributions.add_contribution",
            icon="undo",
            variant=ActionVariant.DANGER,
            when=lambda obj: (
                ContributionStatus.WITHDRAWN in ContributionStatus(obj.status).successors
            ),
        )
    )
    def withdraw(self, request: HttpRequest, obj: Contribution, data: dict[str, Any]) -> str:
        services.withdraw_contribution(contribution_id=obj.pk, actor=self.actor(request))
        return "The contribution was withdrawn."

    def page(self, request: HttpRequest, obj: Contribution) -> Page:
        shares = obj.shares.select_related("improvement__model", "improvement__candidate__model")
        shares = shares.select_related("improvement__baseline", "improvement__candidate__model")
        return Page(
            title=f"Contribution to {obj.model}",
            badges=(markup.badge(obj.status),),
            lead=obj.note,
            notices=[Notice(reason["message"], "danger") for reason in obj.reasons],
            facts=_facts(obj),
            panels=(
                _shares(shares),
                lineage_panel(lineage_around(request.user, [obj.public_id]), obj.public_id),
                self.activity(request, obj),
            ),
        )


def _facts(obj: Contribution) -> tuple[Fact, ...]:
    return (
        Fact("Model", markup.object_link(obj.model)),
        Fact("Given by", markup.object_link(obj.wallet.contributor)),
        Fact("Address", markup.mono(obj.wallet.address)),
        Fact("Data", markup.object_link(obj.dataset_version)),
        Fact("Rows", obj.dataset_version.row_count or markup.NOTHING),
        Fact("Licence", obj.get_licence_display()),
        Fact("Submitted by", obj.submitted_by.username),
        Fact("Given", markup.moment(obj.created_at)),
        Fact("Id", markup.mono(obj.public_id)),
    )


def _shares(shares: QuerySet[Share]) -> Panel:
    rows = [
        (
            markup.object_link(share.improvement),
            markup.points(share.improvement.delta_ppm),
            f"{share.basis_points / 100:.2f} %",
            markup.points(credited_ppm(share)),
        )
        for share in shares
    ]
    return table(
        "Credit",
        ("Improvement", "Gain", "Share", "Credited"),
        rows,
        empty="No credit yet: it is given when a version made from this data is accepted.",
    )


@admin.register(Contributor)
class ContributorAdmin(ScopedAdmin):
    """People who gave data to the projects that one belongs to."""

    empty_hint = "A contributor appears with the first contribution under an address."
    list_display = ("name_or_id", "user", "created")
    list_select_related = ("user",)
    search_fields = ("^name", "=public_id", "=wallets__address")
    search_help_text = "By name, id or address."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Contributor]:
        """Contributors are global: one sees those who gave to one's projects."""
        rows = Contributor.objects.all()
        if request.user.is_superuser:
            return rows
        mine = Contribution.objects.of_member(request.user)
        return rows.filter(pk__in=mine.values("wallet__contributor"))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The queryset is the permission."""
        return self.has_module_permission(request)

    @display(description="contributor", ordering="name")
    def name_or_id(self, obj: Contributor) -> str:
        return str(obj)

    @display(description="since", ordering="created_at")
    def created(self, obj: Contributor) -> str:
        return markup.moment(obj.created_at)

    def page(self, request: HttpRequest, obj: Contributor) -> Page:
        given = (
            Contribution.objects.of_member(request.user)
            .filter(wallet__contributor=obj)
            .with_names()[:GIVEN_SHOWN]
        )
        wallets = [
            (markup.mono(wallet.address), markup.moment(wallet.verified_at))
            for wallet in obj.wallets.all()
        ]
        return Page(
            title=str(obj),
            facts=(
                Fact("Account", obj.user.username if obj.user else markup.NOTHING),
                Fact("Since", markup.moment(obj.created_at)),
                Fact("Id", markup.mono(obj.public_id)),
            ),
            panels=(
                *impact_panels(obj, Project.objects.of_member(person_of(request.user))),
                table("Wallets", ("Address", "Proven"), wallets, empty="None.", wide=True),
                _given(given),
            ),
        )


def _given(given: QuerySet[Contribution]) -> Panel:
    rows = [
        (
            markup.object_link(row, row.public_id),
            row.model,
            row.dataset_version.row_count or "—",
            markup.badge(row.status),
            markup.moment(row.created_at),
        )
        for row in given
    ]
    headers = ("Contribution", "Model", "Rows", "State", "Given")
    return table("Contributions", headers, rows, empty="Nothing in your projects.")
