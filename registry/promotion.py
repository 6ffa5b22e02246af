"""What must hold before a version moves to a stage, and who may not decide it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from hokusai.core.providers import load_hooks
from registry.choices import Stage
from registry.models import ModelVersion, Promotion


@dataclass(frozen=True, slots=True)
class CheckResult:
    passed: bool
    message: str


class PromotionCheck(ABC):
    """One thing that must hold; listed in PROMOTION_CHECKS. What is missing fails."""

    code: ClassVar[str]
    title: ClassVar[str]
    stages: ClassVar[frozenset[Stage]] = frozenset({Stage.STAGING, Stage.PRODUCTION})

    @abstractmethod
    def run(self, version: ModelVersion) -> CheckResult:
        """Whether it holds now, and what was seen."""


class PromotionParties(ABC):
    """Names people who may not decide; listed in PROMOTION_PARTIES."""

    @abstractmethod
    def of(self, version: ModelVersion) -> Mapping[int, str]:
        """User ids, and each one's part ("have a share in it")."""


def run_checks(version: ModelVersion, target: Stage) -> list[dict[str, Any]]:
    """The result of each check of a stage, in the order of the settings."""
    results = []
    for check in load_hooks("PROMOTION_CHECKS"):
        if target in check.stages:
            result = check.run(version)
            results.append(
                {
                    "code": check.code,
                    "title": check.title,
                    "passed": result.passed,
                    "message": result.message,
                }
            )
    return results


def failed_checks(checks: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those that did not pass."""
    return [check for check in checks if check["passed"] is not True]


def parties_of(promotion: Promotion) -> dict[int, str]:
    """People with a part in a promotion, and which."""
    parties: dict[int, str] = {}
    for hook in load_hooks("PROMOTION_PARTIES"):
        parties.update(hook.of(promotion.version))
    parties[promotion.version.registered_by_id] = "registered this version"
    parties[promotion.requested_by_id] = "asked for this promotion"
    return parties
