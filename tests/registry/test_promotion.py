from collections.abc import Mapping

import pytest
from pytest_django import Settings

from registry.choices import Stage
from registry.models import ModelVersion
from registry.promotion import (
    BytesRead,
    CheckResult,
    PromotionCheck,
    PromotionParties,
    failed_checks,
    parties_of,
    read_bytes,
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
    reads_bytes = True

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
    seen = run_checks(ModelVersion(), Stage.PRODUCTION, blocking=["passes"])
    fails = {"code": "fails", "title": "Fails", "passed": False, "message": "not seen"}
    passes = {"code": "passes", "title": "Passes", "passed": True, "message": "seen"}
    assert seen == [{**fails, "blocking": False}, {**passes, "blocking": True}]


@pytest.mark.usefixtures("checks")
def test_a_check_that_blocks_and_does_not_exist_has_failed() -> None:
    *_, absent = run_checks(ModelVersion(), Stage.PRODUCTION, blocking=["absent"])
    assert (absent["code"], absent["passed"], absent["blocking"]) == ("absent", False, True)


@pytest.mark.usefixtures("checks")
def test_what_was_read_of_other_bytes_does_not_count() -> None:
    seen = {"code": "passes", "title": "Passes", "passed": True, "message": "read before"}
    read = BytesRead("digest", {"passes": seen})
    same, other = ModelVersion(tree_digest="digest"), ModelVersion(tree_digest="other")
    messages = [run_checks(v, Stage.STAGING, read=read)[0]["message"] for v in (same, other)]
    assert messages == ["read before", "seen"]


@pytest.mark.usefixtures("checks")
def test_only_checks_that_read_bytes_are_run_beforehand() -> None:
    read = read_bytes(ModelVersion(tree_digest="digest"), Stage.PRODUCTION)
    assert (read.digest, set(read.results)) == ("digest", {"fails"})


@pytest.mark.usefixtures("checks")
def test_a_check_runs_for_its_stages_only() -> None:
    assert [row["code"] for row in run_checks(ModelVersion(), Stage.STAGING)] == ["passes"]
    assert run_checks(ModelVersion(), Stage.ARCHIVED) == []


@pytest.mark.parametrize("passed", [False, None, 1, "true"])
def test_a_check_that_does_not_block_has_not_failed(passed: object) -> None:
    assert failed_checks([{"code": "a", "passed": passed, "blocking": False}]) == []


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
