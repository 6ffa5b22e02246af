"""What serving puts on the page of a version."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest

from deployments import board, board_cells, services
from deployments.checks import Finding
from deployments.choices import Environment
from deployments.formats import format_of
from deployments.models import Deployment, Revision
from hokusai.core.errors import DomainError
from hokusai.web import markup
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.forms import ForeseeingDialog, field_of
from hokusai.web.panels import Panel, table
from registry.choices import ArtifactState, ConversionVerdict, Stage
from registry.models import ModelVersion, OnnxConversion

REVISIONS_SHOWN = 10
PLACES_SHOWN = 50
_CHECKS = {
    "digest_matches": "The digest is this version's",
    "artifact_ready": "Its files are in the store",
    "stage_reached": "It was promoted far enough",
    "digest_stated": "The digest is stated where it must be",
    "place": "The place can take it",
    "provider": "The provider can serve it",
    "input_example": "It answers its own example",
}
_ENVIRONMENT_OF = {
    Stage.PRODUCTION: Environment.PRODUCTION,
    Stage.STAGING: Environment.STAGING,
}
_FORMATS = {
    "onnx": "Runs as ONNX, in the ONNX runtime.",
    "skops": "Runs as scikit-learn from skops, on numpy.",
    "pyfunc": "Runs as pyfunc: foreign code, in isolation.",
}


class DeployDialog(ForeseeingDialog):
    """Where to, by which provider, which bytes; below, what is found and what it replaces."""

    foreseen_template = "console/dialogs/deploy.html"

    slug = forms.SlugField(
        max_length=63,
        label="Place",
        help_text="Its name: one that is there already, or a new one.",
    )
    environment = forms.ChoiceField(
        required=False,
        choices=(("", "as the place has it, or its name says"), *Environment.choices),
        help_text="How much depends on what it answers. It is chosen once.",
    )
    provider = forms.ChoiceField()
    digest = forms.CharField(
        required=False,
        max_length=64,
        label="Digest of the bytes meant",
        help_text="The tree digest of this version. Production asks for it.",
    )

    def scope(self, user: Any) -> None:
        provider = field_of(self, "provider", forms.ChoiceField)
        provider.choices = [(name, name) for name in settings.DEPLOYMENT_PROVIDERS]
        self.version = ModelVersion.objects.select_related("model", "project").get(
            pk=self.object_id
        )
        place = _ENVIRONMENT_OF.get(Stage(self.version.stage), Environment.DEVELOPMENT)
        self.initial = {
            "slug": place.value,
            "environment": "",
            "provider": provider.choices[0][0],
            "digest": self.version.tree_digest,
        }

    def clean_digest(self) -> str:
        """Without the blanks that come with pasting."""
        return str(self.cleaned_data["digest"]).strip().lower()

    def foresee(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """What is found now, and what would become of the place."""
        wanted = {**self.initial, **values}
        place = Deployment.objects.filter(model=self.version.model, slug=wanted["slug"]).first()
        return {
            "version": self.version,
            "digest": self.version.tree_digest,
            "runs": _runs(self.version),
            "place": place,
            "slug": wanted["slug"],
            "replaces": _live_at(place),
            "findings": [_told(finding) for finding in _findings(self.version, wanted)],
            "places": _places(self.version),
        }


def _findings(version: ModelVersion, wanted: Mapping[str, Any]) -> list[Finding]:
    try:
        return services.validate_deployment(
            version=version,
            slug=wanted["slug"],
            environment=wanted["environment"] or None,
            provider=wanted["provider"],
            digest=wanted["digest"],
        )
    except DomainError as error:
        return [Finding("place", False, str(error))]


def _told(finding: Finding) -> dict[str, str]:
    """A finding as a line: tone, icon, what was looked at and why it failed."""
    tone, icon = ("success", "check_circle")
    if not finding.passed:
        tone, icon = ("danger", "cancel") if finding.blocking else ("warning", "warning")
    name = _CHECKS.get(finding.check, finding.check.replace("_", " ").capitalize())
    return {"tone": tone, "icon": icon, "name": name, "reason": finding.reason}


def _runs(version: ModelVersion) -> str:
    """How it is loaded, and whether an ONNX made from it is."""
    conversion = OnnxConversion.objects.filter(version=version).first()
    if conversion is not None and conversion.verdict == ConversionVerdict.EXACT:
        return f"Runs as the ONNX made from it, which answered the same on {conversion.rows} rows."
    runs = _FORMATS.get(format_of(version), "How it is loaded shows when it starts.")
    if conversion is None or not conversion.reason:
        return runs
    return f"{runs} Its ONNX is not used: {conversion.reason}"


def _live_at(place: Deployment | None) -> Revision | None:
    if place is None:
        return None
    live: Revision | None = place.revisions.live().select_related("version").first()
    return live


def _places(version: ModelVersion) -> list[str]:
    slugs = Deployment.objects.filter(model=version.model).order_by("slug")
    return list(slugs.values_list("slug", flat=True)[:PLACES_SHOWN])


@dialog_action(
    Dialog(
        title="Deploy",
        text="Start serving this version. What serves there now keeps serving until it is ready.",
        submit="Deploy",
        needs="deployments.deploy",
        icon="rocket_launch",
        form=DeployDialog,
        when=lambda obj: obj.artifact_state == ArtifactState.READY,
        stays=True,
    )
)
def deploy(self: Any, request: HttpRequest, obj: ModelVersion, data: dict[str, Any]) -> str:
    """Deploy this version."""
    revision = services.deploy(
        version=obj,
        slug=data["slug"],
        provider=data["provider"],
        environment=data["environment"] or None,
        digest=data["digest"],
        actor=self.actor(request),
    )
    return f"{revision} is being rolled out; see Serving below."


def revisions_of(request: HttpRequest, version: ModelVersion) -> Panel:
    """Where a version serves and served, with the figures of now."""
    revisions = list(
        Revision.objects.of_member(request.user)
        .filter(version=version)
        .select_related("deployment__model")[:REVISIONS_SHOWN]
    )
    places = {revision.deployment_id: revision.deployment for revision in revisions}
    found = board.standings(list(places.values()))
    rows = []
    for revision in revisions:
        standing = found[revision.deployment_id]
        answers = standing.live and standing.revision == revision
        rows.append(
            (
                markup.object_link(revision.deployment),
                board_cells.environment(standing),
                markup.object_link(revision, revision.number),
                markup.badge(revision.status),
                markup.moment(revision.live_at),
                board_cells.requests(standing) if answers else markup.NOTHING,
                board_cells.latency(standing) if answers else markup.NOTHING,
                board_cells.errors(standing) if answers else markup.NOTHING,
            )
        )
    headers = (
        *("Deployment", "Environment", "Revision", "State", "Live since"),
        *("Requests/s", "p50 / p95", "Errors"),
    )
    return table("Serving", headers, rows, empty="Serves nowhere. Choose Deploy above.")
