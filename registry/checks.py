"""What the registry itself asks of a version before it moves to a stage."""

import platform
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from hokusai.accounts.choices import Visibility
from hokusai.core.errors import OutsideError
from hokusai.core.models import Event
from hokusai.storage import stores
from registry.algorithms import cards, licences
from registry.algorithms.requirements import Dependency, Requirements, resolvable
from registry.choices import ArtifactState, PromotionStatus, ScanVerdict, SecurityLevel, Stage
from registry.damage import damage_recorded
from registry.models import ArtifactScan, ModelVersion
from registry.promotion import CheckResult, PromotionCheck, version_parties

# From everybody to few.
_RANK: Final = {level: rank for rank, level in enumerate(SecurityLevel)}
# What a public project, which everybody sees, may not bring to a stage.
_TOO_SECRET: Final = {
    Stage.STAGING: frozenset({SecurityLevel.RESTRICTED}),
    Stage.PRODUCTION: frozenset({SecurityLevel.RESTRICTED, SecurityLevel.CONFIDENTIAL}),
}
_SHOWN = 3
# The event of a worker that read a large artifact.
VERIFIED: Final = "artifact:verified"


class ArtifactVerified(PromotionCheck):
    """The stored bytes still have the digest under which the version was registered."""

    code = "artifact_verified"
    title = "Artifact matches its digest"
    reads_bytes = True

    def run(self, version: ModelVersion) -> CheckResult:
        if version.artifact_state != ArtifactState.READY:
            return CheckResult(False, f"The artifact is {version.artifact_state}.")
        if is_large(version):
            return _as_read(version)
        try:
            with damage_recorded(version):
                manifest = stores["default"].verify_tree(version.tree_digest)
        except OutsideError as error:
            return CheckResult(False, str(error))
        return CheckResult(True, f"{len(manifest.files)} files match {version.tree_digest[:12]}….")


def is_large(version: ModelVersion) -> bool:
    """Whether its files are read by a worker, because a request would wait too long."""
    return (version.size_bytes or 0) > settings.PROMOTION_READ_BYTES


def last_reading(version: ModelVersion) -> Event | None:
    """When a worker last read these bytes, and what it saw; None for too long ago."""
    since = timezone.now() - timedelta(hours=settings.PROMOTION_READING_HOLDS_H)
    found = Event.objects.of(version.public_id).filter(tag=VERIFIED, recorded_at__gte=since)
    last = found.order_by("-pk").first()
    return last if last is not None and last.after["digest"] == version.tree_digest else None


def _as_read(version: ModelVersion) -> CheckResult:
    reading = last_reading(version)
    if reading is None:
        return CheckResult(False, "The artifact is large; a worker reads it. Try again then.")
    when = f"{reading.recorded_at:%Y-%m-%d %H:%M} UTC"
    return CheckResult(reading.after["passed"] is True, f"{reading.after['message']}, at {when}.")


class ScanReviewed(PromotionCheck):
    """The files were scanned, and what was found was looked at by somebody without a part."""

    code = "scan_reviewed"
    title = "Artifact scanned, findings reviewed"

    def run(self, version: ModelVersion) -> CheckResult:
        scan = ArtifactScan.objects.select_related("reviewed_by").filter(version=version).first()
        if scan is None:
            return CheckResult(False, "The artifact was not scanned yet; wait for the scan.")
        if scan.verdict == ScanVerdict.CLEAN:
            return CheckResult(True, "The scan found nothing.")
        if scan.reviewed_by is None:
            return CheckResult(
                False,
                f"The scan says {scan.verdict} ({_counted(len(scan.findings), 'finding')}); a "
                "reviewer without a part in the version must look at it.",
            )
        part = _parties(version).get(scan.reviewed_by.pk)
        if part:
            return CheckResult(
                False, f"{scan.reviewed_by.username}, who reviewed the scan, {part}."
            )
        return CheckResult(
            True, f"{scan.verdict}, reviewed by {scan.reviewed_by.username}: {scan.review_comment}"
        )


def _parties(version: ModelVersion) -> dict[int, str]:
    asked = version.promotions.filter(status=PromotionStatus.REQUESTED)
    requesters = dict.fromkeys(
        asked.values_list("requested_by", flat=True), "asked for this promotion"
    )
    return version_parties(version) | requesters


class CardComplete(PromotionCheck):
    """The model card answers what its readers ask."""

    code = "card_complete"
    title = "Model card complete"

    def run(self, version: ModelVersion) -> CheckResult:
        if not version.card.strip():
            return CheckResult(False, "There is no model card; write one on the version's page.")
        try:
            lacking = cards.missing(cards.parse(version.card))
        except cards.CardRefused as error:
            return CheckResult(False, f"The model card cannot be read: {error}")
        if lacking:
            return CheckResult(False, f"The model card says nothing of: {', '.join(lacking)}.")
        return CheckResult(True, "The model card says all that is asked.")


class DependenciesResolvable(PromotionCheck):
    """What the artifact needs can be there: packages without contradiction, living versions."""

    code = "dependencies_resolvable"
    title = "Dependencies can be resolved"

    def run(self, version: ModelVersion) -> CheckResult:
        problems = [
            *resolvable(_requirements(version), python=platform.python_version()),
            *(problem for used in version.uses.select_related("model") if (problem := _dead(used))),
        ]
        if problems:
            more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
            return CheckResult(False, "; ".join(problems[:_SHOWN]) + more + ".")
        packages = _counted(len(version.requirements), "package")
        return CheckResult(True, f"{packages}, {_counted(version.uses.count(), 'other version')}.")


def _requirements(version: ModelVersion) -> Requirements:
    """As they are kept: one entry per package, or a line that could not be read."""
    items, unparsed = [], []
    for entry in version.requirements:
        if isinstance(entry, dict) and entry.get("name"):
            known = {key: str(entry.get(key, "")) for key in ("name", "specifier", "marker", "url")}
            items.append(Dependency(**known))
        else:
            line = entry.get("unparsed") if isinstance(entry, dict) else entry
            unparsed.append(str(line))
    return Requirements(tuple(items), tuple(unparsed))


def _dead(used: ModelVersion) -> str:
    if used.artifact_state != ArtifactState.READY:
        return f"it uses {used}, whose artifact is {used.artifact_state}"
    if used.deprecated_at is not None:
        return f"it uses {used}, which is retired"
    if used.stage == Stage.ARCHIVED or used.model.archived_at is not None:
        return f"it uses {used}, which is archived"
    return ""


class LicenceAllowed(PromotionCheck):
    """The licence is one of ALLOWED_LICENCES."""

    code = "licence_allowed"
    title = "Licence allowed"

    def run(self, version: ModelVersion) -> CheckResult:
        if not version.licence:
            return CheckResult(False, "No licence is stated; state one on the version's page.")
        if not licences.allowed(version.licence, frozenset(settings.ALLOWED_LICENCES)):
            return CheckResult(
                False,
                f"{version.licence} is not allowed here; allowed are "
                f"{', '.join(settings.ALLOWED_LICENCES)}.",
            )
        return CheckResult(True, f"{version.licence} is allowed.")


class SecurityLevelAllowed(PromotionCheck):
    """The security level allows the stage, and is not below what the version is made from."""

    code = "security_level_allowed"
    title = "Security level allows the stage"

    def run(self, version: ModelVersion) -> CheckResult:
        return self.run_for(version, Stage.PRODUCTION)

    def run_for(self, version: ModelVersion, target: Stage) -> CheckResult:
        level = SecurityLevel(version.security_level)
        if source := _more_secret_source(version):
            return CheckResult(
                False,
                f"The version is {level} and made from a version that is "
                f"{source.security_level}; raise its level to that at least.",
            )
        too_secret = _TOO_SECRET.get(target, frozenset())
        if version.project.visibility == Visibility.PUBLIC and level in too_secret:
            return CheckResult(
                False, f"A {level} version enters no {target} in a project that everybody sees."
            )
        return CheckResult(True, f"{level} is allowed in {target}.")


def _more_secret_source(version: ModelVersion) -> ModelVersion | None:
    """A parent or a used version whose level is above the version's own."""
    sources = [version.parent, *version.uses.all()]
    own = _RANK[SecurityLevel(version.security_level)]
    higher = [
        source
        for source in sources
        if source is not None and _RANK[SecurityLevel(source.security_level)] > own
    ]
    return max(higher, key=lambda source: _RANK[SecurityLevel(source.security_level)], default=None)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count or 'no'} {noun}s"
