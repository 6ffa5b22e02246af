from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from contributions.models import Attestation, ImpactDay, ImpactTotal, Share
from contributions.rollups import differences, rebuild, roll_up
from tests.factories import AttestationFactory, ShareFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def attested() -> Attestation:
    share = ShareFactory(basis_points=10_000, improvement__delta_ppm=900_000)
    made = AttestationFactory(improvement=share.improvement)
    roll_up(statement_id=made.statement_id)
    return made


def test_a_product_beyond_an_integer_is_summed_once_however_often_it_is_told(
    attested: Attestation,
) -> None:
    roll_up(statement_id=attested.statement_id)
    assert [row.gain_e10 for row in ImpactDay.objects.all()] == [9_000_000_000]
    assert [row.gain_e10 for row in ImpactTotal.objects.all()] == [9_000_000_000]
    assert differences() == []


def test_a_revoked_attestation_takes_its_credit_back(attested: Attestation) -> None:
    Attestation.objects.update(status="revoked")
    roll_up(statement_id=attested.statement_id)
    assert not ImpactDay.objects.exists()
    assert not ImpactTotal.objects.exists()


def test_other_days_and_models_stay_as_they_are(attested: Attestation) -> None:
    person = Share.objects.get().contribution.wallet
    other = ShareFactory(basis_points=5_000, contribution__wallet=person)
    roll_up(statement_id=AttestationFactory(improvement=other.improvement).statement_id)
    assert ImpactDay.objects.count() == 2
    assert differences() == []


def test_an_unknown_statement_changes_nothing(attested: Attestation) -> None:
    roll_up(statement_id="f" * 64)
    assert ImpactDay.objects.count() == 1


def test_the_check_names_what_differs_and_repairs_it(attested: Attestation) -> None:
    call_command("check_impact", stdout=StringIO())
    ImpactDay.objects.update(gain_e10=1)
    ImpactTotal.objects.all().delete()
    said = StringIO()
    with pytest.raises(CommandError, match="2 sums differ"):
        call_command("check_impact", stdout=said)
    assert "1 is kept, 9000000000 is true" in said.getvalue()
    call_command("check_impact", "--repair", stdout=StringIO())
    assert differences() == []


def test_made_anew_the_sums_are_the_same(attested: Attestation) -> None:
    before = list(ImpactTotal.objects.values_list("contributor", "gain_e10", "shares"))
    assert rebuild() == 1
    assert list(ImpactTotal.objects.values_list("contributor", "gain_e10", "shares")) == before
