from collections.abc import Mapping

import pytest
from pytest_django import Settings

from registry.choices import Stage
from registry.models import ModelVersion
from registry.promotion import (
    CheckResult,
    PromotionCheck,
    PromotionParties,
    failed_checks,
    parties_of,
    run_checks,
)
from tests.factories import PromotionFactory

HERE = "tests.registry.test_promotion"


class Passes(PromotionCheck):
    code, title = "passes", "Passes"

    def run(self, version: ModelVersion) -> CheckResult:
        return CheckResult(True, "seen")


class Fails(PromotionCheck):
    code, title = "fails", "Fails"
    stages = frozenset({Stage.PRODUCTION})

    def run(self, version: ModelVersion) -> CheckResult:
        return CheckResult(False, "not seen")


class Everybody(PromotionParties):
    def of(self, version: ModelVersion) -> Mapping[int, str]:
        return {version.registered_by_id: "have a share in it", 7: "have a share in it"}


@pytest.fixture
def checks(settings: Settings) -> None:
    settings.PROMOTION_CHECKS = [f"{HERE}.Fails", f"{HERE}.Passes"]


@pytest.mark.usefixtures("checks")
def test_checks_run_in_the_order_of_the_settings() -> None:
    assert run_checks(ModelVersion(), Stage.PRODUCTION) == [
        {"code": "fails", "title": "Fails", "passed": False, "message": "not seen"},
        {"code": "passes", "title": "Passes", "passed": True, "message": "seen"},
    ]


@pytest.mark.usefixtures("checks")
def test_a_check_runs_for_its_stages_only() -> None:
    assert [row["code"] for row in run_checks(ModelVersion(), Stage.STAGING)] == ["passes"]
    assert run_checks(ModelVersion(), Stage.ARCHIVED) == []


@pytest.mark.parametrize("passed", [False, None, 1, "true"])
def test_only_what_truly_passed_has_passed(passed: object) -> None:
    good, other = {"code": "a", "passed": True}, {"code": "b", "passed": passed}
    assert failed_checks([good, other]) == [other]


@pytest.mark.django_db
def test_author_and_requester_are_always_parties(settings: Settings) -> None:
    settings.PROMOTION_PARTIES = []
    promotion = PromotionFactory()
    assert parties_of(promotion) == {
        promotion.version.registered_by_id: "registered this version",
        promotion.requested_by_id: "asked for this promotion",
    }


@pytest.mark.django_db
def test_hooks_name_further_parties(settings: Settings) -> None:
    settings.PROMOTION_PARTIES = [f"{HERE}.Everybody"]
    promotion = PromotionFactory()
    assert set(parties_of(promotion)) == {
        7,
        promotion.version.registered_by_id,
        promotion.requested_by_id,
    }
