"""Pages for members: give data, see what became of it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView, LogoutView
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse, reverse_lazy
from django.views.decorators.http import require_http_methods, require_POST

from contributions import services
from contributions.choices import ContributionStatus
from contributions.forms import GiftForm, models_open_to
from contributions.impact import credited_ppm
from contributions.models import Contribution, Share
from hokusai.accounts.services import actor_of, person_of
from hokusai.core.errors import DomainError
from hokusai.web import markup

PER_PAGE = 20
LOGIN_URL = reverse_lazy("contribute-login")
_members_only = login_required(login_url=LOGIN_URL)


class Login(LoginView):
    """Members log in here; staff may too."""

    template_name = "contribute/login.html"
    redirect_authenticated_user = True
    next_page = "home"


class Logout(LogoutView):
    """Ends the session, by POST."""

    next_page = "contribute-login"


def own(user: Any) -> QuerySet[Contribution]:
    """What this person submitted."""
    return Contribution.objects.filter(submitted_by=user).with_names()


@_members_only
@require_http_methods(["GET", "HEAD"])
def overview(request: HttpRequest) -> HttpResponse:
    """One's contributions and the credit for them."""
    page = Paginator(own(request.user).order_by("-id"), PER_PAGE).get_page(request.GET.get("page"))
    credit = _credit_of(request.user)
    lines = [(row, markup.points(credit[row.pk]) if row.pk in credit else "") for row in page]
    context = {
        "lines": lines,
        "page": page,
        "total": markup.points(sum(credit.values())) if credit else "",
        "may_give": models_open_to(request.user).exists(),
    }
    return render(request, "contribute/overview.html", context)


def _credit_of(user: Any) -> dict[int, int]:
    """Millionths of gain credited to each of a person's contributions."""
    credit: dict[int, int] = {}
    shares = Share.objects.filter(contribution__submitted_by=user).select_related("improvement")
    for share in shares:
        credit[share.contribution_id] = credit.get(share.contribution_id, 0) + credited_ppm(share)
    return credit


@_members_only
@require_http_methods(["GET", "HEAD", "POST"])
def give(request: HttpRequest) -> HttpResponse:
    """The form by which data is given."""
    posted = request.method == "POST"
    form = GiftForm(
        request.POST if posted else None,
        request.FILES if posted else None,
        user=request.user,
        initial=None if posted else _remembered(request.user),
    )
    if posted and form.is_valid():
        made = _submitted(request, form)
        if made is not None:
            messages.success(request, "Thank you. The rows are being checked.")
            return HttpResponseRedirect(reverse("contribute-detail", args=[made.public_id]))
    status = 422 if posted else 200
    return render(request, "contribute/give.html", {"form": form}, status=status)


def _remembered(user: Any) -> dict[str, Any]:
    """The address and name that this person gave under last time."""
    last = own(user).order_by("-id").first()
    if last is None:
        return {"contributor_name": user.get_full_name()}
    return {"address": last.wallet.address, "contributor_name": last.wallet.contributor.name}


def _submitted(request: HttpRequest, form: GiftForm) -> Contribution | None:
    data = dict(form.cleaned_data)
    content = data.pop("file").read()
    try:
        return services.submit_contribution(
            content=content, actor=actor_of(person_of(request.user)), **data
        )
    except DomainError as error:
        form.add_error(None, str(error))
        return None


@_members_only
@require_http_methods(["GET", "HEAD"])
def detail(request: HttpRequest, public_id: str) -> HttpResponse:
    """One contribution: its state, the reasons, its credit."""
    row = get_object_or_404(own(request.user), public_id=public_id)
    shares = row.shares.select_related(
        "improvement__model", "improvement__candidate__model", "improvement__baseline"
    )
    credit = [
        (share.improvement, share.basis_points / 100, markup.points(credited_ppm(share)))
        for share in shares
    ]
    context = {
        "row": row,
        "credit": credit,
        "waiting": row.status == ContributionStatus.RECEIVED,
        "may_withdraw": _may_withdraw(row),
        "steps": _steps(row),
    }
    return render(request, "contribute/detail.html", context)


def _may_withdraw(row: Contribution) -> bool:
    return ContributionStatus.WITHDRAWN in ContributionStatus(row.status).successors


def _steps(row: Contribution) -> list[tuple[str, bool]]:
    """The way of a contribution, and how far this one has come."""
    way = [ContributionStatus.RECEIVED, ContributionStatus.ACCEPTED, ContributionStatus.USED]
    if row.status in (ContributionStatus.REFUSED, ContributionStatus.WITHDRAWN):
        return [(ContributionStatus.RECEIVED.label, True), (row.get_status_display(), True)]
    reached = way.index(ContributionStatus(row.status))
    return [(step.label, place <= reached) for place, step in enumerate(way)]


@_members_only
@require_POST
def withdraw(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take a contribution back."""
    row = own(request.user).filter(public_id=public_id).first()
    if row is None:
        raise Http404
    try:
        services.withdraw_contribution(
            contribution_id=row.pk, actor=actor_of(person_of(request.user))
        )
        messages.success(request, "The contribution was withdrawn.")
    except DomainError as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(reverse("contribute-detail", args=[public_id]))
