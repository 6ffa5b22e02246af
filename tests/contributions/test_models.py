import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from contributions.choices import AttestationStatus, ContributionStatus
from contributions.models import Attestation, Contribution, Improvement
from hokusai.core.errors import InvalidTransition
from tests.factories import (
    AttestationFactory,
    ContributionFactory,
    ImprovementFactory,
    ModelVersionFactory,
    ShareFactory,
    SigningKeyFactory,
    WalletFactory,
)

pytestmark = pytest.mark.django_db


def test_a_gain_over_a_baseline_is_paid_once() -> None:
    first = ImprovementFactory()
    with pytest.raises(IntegrityError, match="one_per_head"), transaction.atomic():
        ImprovementFactory(baseline=first.baseline, model=first.model)


@pytest.mark.parametrize("delta_ppm", [0, -1])
def test_a_regression_is_never_impact(delta_ppm: int) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        ImprovementFactory(delta_ppm=delta_ppm)


def test_a_comparison_is_one_improvement() -> None:
    first = ImprovementFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        ImprovementFactory(
            comparison=first.comparison, baseline=ModelVersionFactory(model=first.model)
        )


def test_a_contribution_has_one_share_of_at_most_all() -> None:
    share = ShareFactory()
    with pytest.raises(IntegrityError, match="share_once"), transaction.atomic():
        ShareFactory(improvement=share.improvement, contribution=share.contribution)
    with pytest.raises(IntegrityError, match="share_at_most_all"), transaction.atomic():
        ShareFactory(basis_points=10_001)


def test_a_table_is_given_once_and_an_address_is_one_wallets() -> None:
    first = ContributionFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        ContributionFactory(model=first.model, dataset_version=first.dataset_version)
    with pytest.raises(IntegrityError), transaction.atomic():
        WalletFactory(address=first.wallet.address)


def test_what_is_signed_has_a_statement_and_a_statement_is_signed_once() -> None:
    with pytest.raises(IntegrityError, match="signed_has_statement"), transaction.atomic():
        AttestationFactory(statement_id="")
    first = AttestationFactory()
    with pytest.raises(IntegrityError, match="statement_once"), transaction.atomic():
        AttestationFactory(statement_id=first.statement_id)
    pending = [AttestationFactory(status="pending", statement_id="") for _ in range(2)]
    assert str(pending[0]) == f"pending for {pending[0].improvement}"


@pytest.mark.parametrize("status", ContributionStatus.values)
def test_the_database_knows_every_status_and_no_other(status: str) -> None:
    contribution = ContributionFactory(status=status)
    with pytest.raises(IntegrityError, match="contribution_status_known"), transaction.atomic():
        Contribution.objects.filter(pk=contribution.pk).update(status="lost")
    with pytest.raises(IntegrityError, match="contribution_licence_known"), transaction.atomic():
        Contribution.objects.filter(pk=contribution.pk).update(licence="mine")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("refused", "accepted"),
        ("used", "withdrawn"),
        ("withdrawn", "accepted"),
        ("received", "used"),
        ("accepted", "received"),
    ],
)
def test_a_contribution_moves_forwards_only(before: str, after: str) -> None:
    contribution = ContributionFactory(status=before)
    with pytest.raises(InvalidTransition):
        contribution.move_to(ContributionStatus(after))
    assert contribution.status == before


def test_trainable_data_was_accepted() -> None:
    for status in ContributionStatus:
        ContributionFactory(status=status)
    found = Contribution.objects.trainable().values_list("status", flat=True)
    assert sorted(found) == ["accepted", "used"]


def test_nothing_of_an_improvement_is_deleted() -> None:
    share = ShareFactory()
    AttestationFactory(improvement=share.improvement)
    for row in (share.improvement, share.contribution, share.contribution.wallet):
        with pytest.raises(ProtectedError):
            row.delete()


def test_rows_name_themselves_and_their_project() -> None:
    share = ShareFactory(basis_points=2_550)
    improvement = share.improvement
    assert str(improvement) == f"{improvement.candidate} over v1"
    assert str(share) == f"25.50 % of {improvement}"
    assert improvement.project == improvement.model.project
    attestation = AttestationFactory(improvement=improvement)
    assert attestation.project == improvement.project
    assert str(attestation) == attestation.statement_id
    wallet = share.contribution.wallet
    assert str(wallet) == wallet.address
    assert str(share.contribution) == f"{share.contribution.dataset_version} from {wallet.address}"
    assert str(wallet.contributor) == wallet.contributor.name
    wallet.contributor.name = ""
    assert str(wallet.contributor) == wallet.contributor.public_id
    key = SigningKeyFactory()
    assert str(key) == key.key_id[:16]


def test_lists_ask_the_database_once(django_assert_num_queries: pytest.FixtureRequest) -> None:
    ShareFactory()
    with django_assert_num_queries(2):  # type: ignore[operator]
        for contribution in Contribution.objects.with_names():
            assert contribution.wallet.contributor.name
            assert contribution.submitted_by.username
            assert contribution.model.model_id
        for improvement in Improvement.objects.with_names():
            assert str(improvement)
            assert improvement.comparison.benchmark.name


def test_an_attestation_begins_unsigned() -> None:
    row = Attestation.objects.create(improvement=ImprovementFactory())
    assert (row.status, row.envelope, row.key_id) == (AttestationStatus.PENDING, {}, "")
