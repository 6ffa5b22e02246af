import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from contributions.choices import ContributionStatus
from contributions.models import Contribution
from hokusai.accounts.choices import Role
from hokusai.accounts.models import Membership
from tests.contributions.algorithms.examples import ANNA
from tests.factories import (
    PASSWORD,
    ContributionFactory,
    MembershipFactory,
    ModelFactory,
    ShareFactory,
    UserFactory,
)
from tests.staff import logged_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def member() -> Membership:
    return MembershipFactory(role=Role.CONTRIBUTOR)


@pytest.fixture
def client(member: Membership) -> Client:
    return logged_in(member.user)


def own(member: Membership, **fields: object) -> Contribution:
    return ContributionFactory(
        model=ModelFactory(project=member.project), submitted_by=member.user, **fields
    )


def test_a_member_who_is_not_staff_logs_in_and_out(member: Membership) -> None:
    client = Client()
    data = {"username": member.user.username, "password": PASSWORD}
    answer = client.post(reverse("contribute-login"), data, follow=True)
    assert answer.redirect_chain[-1][0] == reverse("contribute")
    answer = client.post(reverse("contribute-logout"))
    assert answer["Location"] == reverse("contribute-login")
    assert client.get(reverse("contribute")).status_code == 302


def test_logging_out_takes_a_post(client: Client) -> None:
    assert client.get(reverse("contribute-logout")).status_code == 405


def test_a_wrong_password_is_told(member: Membership) -> None:
    data = {"username": member.user.username, "password": "wrong"}
    page = Client().post(reverse("contribute-login"), data)
    assert "correct username and password" in page.content.decode()


@pytest.mark.parametrize("name", ["contribute", "contribute-new"])
def test_whoever_is_not_logged_in_is_asked_to(name: str) -> None:
    answer = Client().get(reverse(name))
    assert answer["Location"].startswith(reverse("contribute-login"))


def test_data_is_submitted_and_its_state_shown(client: Client, member: Membership) -> None:
    model = ModelFactory(project=member.project)
    answer = client.post(
        reverse("contribute-new"),
        {
            "model": model.pk,
            "address": ANNA,
            "contributor_name": "Anna",
            "file": SimpleUploadedFile("rows.csv", b"x,label\n1,0\n2,1\n"),
            "label_column": "label",
            "licence": "CC-BY-4.0",
            "note": "From the field.",
        },
    )
    contribution = Contribution.objects.get()
    assert contribution.submitted_by == member.user
    assert contribution.wallet.address == ANNA
    page = client.get(answer["Location"]).content.decode()
    assert "From the field." in page
    assert ANNA in page


def test_a_form_with_errors_is_answered_with_them(client: Client) -> None:
    answer = client.post(reverse("contribute-new"), {"address": "nobody"})
    assert answer.status_code == 422
    assert not Contribution.objects.exists()


def test_what_the_service_refuses_is_told_on_the_form(client: Client, member: Membership) -> None:
    model = ModelFactory(project=member.project)
    answer = client.post(
        reverse("contribute-new"),
        {
            "model": model.pk,
            "address": ANNA,
            "file": SimpleUploadedFile("rows.csv", b" ", content_type="text/csv"),
            "label_column": " ",
            "licence": "MIT",
        },
    )
    assert answer.status_code == 422


def test_a_model_of_another_project_is_no_choice(client: Client) -> None:
    other = ModelFactory()
    page = client.get(reverse("contribute-new"))
    assert other not in page.context["form"].fields["model"].queryset


def test_the_form_remembers_the_address(client: Client, member: Membership) -> None:
    given = own(member)
    page = client.get(reverse("contribute-new"))
    assert page.context["form"].initial["address"] == given.wallet.address


def test_reasons_of_a_refusal_are_shown(client: Client, member: Membership) -> None:
    row = own(
        member,
        status=ContributionStatus.REFUSED,
        reasons=[{"code": "copies", "message": "These rows are copies."}],
    )
    page = client.get(reverse("contribute-detail", args=[row.public_id]))
    assert "These rows are copies." in page.content.decode()


def test_credit_is_shown_in_points(client: Client, member: Membership) -> None:
    row = own(member, status=ContributionStatus.USED)
    ShareFactory(contribution=row, basis_points=5_000, improvement__delta_ppm=40_000)
    assert "+2.00 pp" in client.get(reverse("contribute")).content.decode()
    page = client.get(reverse("contribute-detail", args=[row.public_id]))
    assert "+2.00 pp" in page.content.decode()


def test_the_contributions_of_others_are_hidden(client: Client) -> None:
    other = ContributionFactory()
    assert other.public_id not in client.get(reverse("contribute")).content.decode()
    for name in ("contribute-detail", "contribute-withdraw"):
        url = reverse(name, args=[other.public_id])
        answer = client.post(url) if name.endswith("withdraw") else client.get(url)
        assert answer.status_code == 404


def test_withdrawing_takes_a_post_and_ends_it(client: Client, member: Membership) -> None:
    row = own(member)
    url = reverse("contribute-withdraw", args=[row.public_id])
    assert client.get(url).status_code == 405
    client.post(url)
    row.refresh_from_db()
    assert row.status == ContributionStatus.WITHDRAWN


def test_used_data_is_not_withdrawn(client: Client, member: Membership) -> None:
    row = own(member, status=ContributionStatus.USED)
    url = reverse("contribute-withdraw", args=[row.public_id])
    assert "cannot become" in client.post(url, follow=True).content.decode()
    row.refresh_from_db()
    assert row.status == ContributionStatus.USED


def test_who_may_give_nothing_is_told_whom_to_ask() -> None:
    page = logged_in(UserFactory()).get(reverse("contribute"))
    assert "Ask an owner" in page.content.decode()


def test_the_list_asks_as_many_queries_for_many_as_for_one(
    client: Client, member: Membership, django_assert_max_num_queries
) -> None:
    for _ in range(6):
        own(member)
    with django_assert_max_num_queries(8):
        client.get(reverse("contribute"))


@pytest.mark.parametrize("public_id", ["%00", "nothing", "ctr_" + "0" * 32])
def test_a_contribution_that_is_not_there_is_not_found(client: Client, public_id: str) -> None:
    assert client.get(f"/contribute/{public_id}/").status_code == 404
    assert client.post(f"/contribute/{public_id}/withdraw/").status_code == 404
