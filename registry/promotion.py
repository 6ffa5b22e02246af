"""What must hold before a version moves to a stage, and who may not decide it."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from hokusai.core.providers import load_hooks
from registry.choices import Stage
from registry.models import ModelVersion, Promotion

Result = dict[str, Any]
CHECKED = frozenset({Stage.DEVELOPMENT, Stage.STAGING, Stage.PRODUCTION})


@dataclass(frozen=True, slots=True)
class CheckResult:
    passed: bool
    message: str


class PromotionCheck(ABC):
    """One thing that must hold; listed in PROMOTION_CHECKS. What is missing fails.

    A policy says which checks block a stage; the others inform. A check that `reads_bytes` is run
    while no transaction is open.
    """

    code: ClassVar[str]
    title: ClassVar[str]
    stages: ClassVar[frozenset[Stage]] = CHECKED
    reads_bytes: ClassVar[bool] = False

    @abstractmethod
    def run(self, version: ModelVersion) -> CheckResult:
        """Whether it holds now, and what was seen."""

    def run_for(self, version: ModelVersion, target: Stage) -> CheckResult:
        """The same, for checks whose answer depends on the stage."""
        return self.run(version)


class PromotionParties(ABC):
    """Names people who may not decide; listed in PROMOTION_PARTIES."""

    @abstractmethod
    def of(self, version: ModelVersion) -> Mapping[int, str]:
        """User ids, and each one's part ("have a share in it")."""


@dataclass(frozen=True, slots=True)
class BytesRead:
    """What the checks that read the artifact saw, and the digest under which they read it."""

    digest: str
    results: Mapping[str, Result]


def checks_of(stage: Stage) -> list[PromotionCheck]:
    """The checks of a stage, in the order of the settings."""
    return [check for check in load_hooks("PROMOTION_CHECKS") if stage in check.stages]


def read_bytes(version: ModelVersion, target: Stage) -> BytesRead:
    """Run the checks that read the whole artifact; never inside a transaction."""
    return BytesRead(
        version.tree_digest,
        {
            check.code: _result(check, version, target)
            for check in checks_of(target)
            if check.reads_bytes
        },
    )


def run_checks(
    version: ModelVersion,
    target: Stage,
    *,
    blocking: Collection[str] = (),
    read: BytesRead | None = None,
) -> list[Result]:
    """The result of each check of a stage; one that blocks and does not exist has failed.

    `read` holds what was seen of the bytes before; it counts for the same digest alone.
    """
    known = read.results if read is not None and read.digest == version.tree_digest else {}
    results = [
        known.get(check.code) or _result(check, version, target) for check in checks_of(target)
    ]
    results += [_absent(code) for code in sorted(set(blocking) - {r["code"] for r in results})]
    return [{**result, "blocking": result["code"] in blocking} for result in results]


def failed_checks(checks: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those that block and did not pass."""
    return [
        check for check in checks if check.get("blocking", True) and check["passed"] is not True
    ]


def _result(check: PromotionCheck, version: ModelVersion, target: Stage) -> Result:
    result = check.run_for(version, target)
    return {
        "code": check.code,
        "title": check.title,
        "passed": result.passed,
        "message": result.message,
    }


def _absent(code: str) -> Result:
    message = "The policy asks for this check, and nothing here answers it. Ask an administrator."
    return {"code": code, "title": code, "passed": False, "message": message}


def version_parties(version: ModelVersion) -> dict[int, str]:
    """People with a part in a version, and which."""
    parties: dict[int, str] = {}
    for hook in load_hooks("PROMOTION_PARTIES"):
        parties.update(hook.of(version))
    parties[version.registered_by_id] = "registered this version"
    return parties


def parties_of(promotion: Promotion) -> dict[int, str]:
    """People with a part in a promotion, and which."""
    parties = version_parties(promotion.version)
    parties[promotion.requested_by_id] = "asked for this promotion"
    return parties
