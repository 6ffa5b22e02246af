"""What the page of a version shows."""

from typing import Any

import orjson
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from hokusai.web import markup
from hokusai.web.panels import Fact, Notice, Panel, plain, table
from registry.cards import card_of
from registry.choices import ArtifactState, ConversionVerdict, ScanVerdict, SyncState
from registry.models import ArtifactScan, ModelVersion, OnnxConversion
from registry.sync_reports import tracking_notice

TAG_SHOWN = 80
PROMOTIONS_SHOWN = 10


def notices(obj: ModelVersion) -> list[Notice]:
    found = []
    if obj.artifact_error:
        found.append(Notice(f"The artifact: {obj.artifact_error}", "danger"))
    if missing := tracking_notice(obj):
        found.append(Notice(missing, "warning"))
    elif obj.sync_state == SyncState.CONFLICT:
        text = obj.mlflow_note or "This version was changed on both sides."
        found.append(Notice(f"MLflow: {text}", "warning"))
    if obj.twin_of is not None:
        text = f"The same model as v{obj.twin_of.number}: its parameters are equal, bytes differ."
        found.append(Notice(text, "info"))
    if obj.deprecated_at is not None:
        found.append(Notice(f"Retired{_until(obj)}.", "warning"))
    scan = _scan(obj)
    if scan is not None and scan.verdict == ScanVerdict.DANGEROUS and scan.reviewed_at is None:
        text = "The scan found what no model needs; review it below before anything else."
        found.append(Notice(text, "danger"))
    return found


def _until(obj: ModelVersion) -> str:
    until = f"; it goes away on {obj.sunset_at:%-d %b %Y}" if obj.sunset_at else ""
    return f"{until}; its successor is {obj.successor}" if obj.successor else until


def _scan(obj: ModelVersion) -> ArtifactScan | None:
    return ArtifactScan.objects.filter(version=obj).select_related("reviewed_by").first()


def facts(obj: ModelVersion, parent: Any) -> tuple[Fact, ...]:
    """What a version is; `parent` as the viewer may see it."""
    mlflow = f"{obj.mlflow_name} {obj.mlflow_version}".strip()
    return (
        Fact("Model", markup.object_link(obj.model)),
        Fact("Parent", parent),
        Fact("Format", obj.flavor or "—"),
        Fact("Artifact", files_link(obj)),
        _serves_as(obj),
        Fact("Tree digest", markup.mono(obj.tree_digest, 16), "sha256 over all files"),
        Fact("Identity", markup.mono(obj.identity_digest, 16), "equal for two saves of one model"),
        Fact("Licence", obj.licence or "—"),
        Fact("Security level", markup.badge(obj.security_level, "quiet")),
        Fact("Code revision", markup.mono(obj.code_revision, 16)),
        Fact("Source", markup.mono(obj.source, 60)),
        Fact("Run", markup.mono(obj.run_id, 12)),
        Fact("MLflow", markup.badge(obj.sync_state), mlflow),
        Fact("Came", obj.origin),
        Fact("Registered by", obj.registered_by.username),
        Fact("Registered", markup.moment(obj.created_at)),
        Fact("Id", markup.mono(obj.public_id)),
    )


def _serves_as(obj: ModelVersion) -> Fact:
    """Which form of the version answers predictions, and why."""
    found = OnnxConversion.objects.filter(version=obj).first()
    if found is None:
        return Fact("Serves as", "as registered")
    if found.verdict == ConversionVerdict.EXACT:
        hint = f"made from it; the same answers for {found.rows} rows"
        return Fact("Serves as", markup.badge("ONNX", "success"), hint)
    return Fact("Serves as", "as registered", f"no ONNX: {found.reason}")


def values(title: str, values: dict[str, Any], empty: str) -> Panel:
    rows = [(name, markup.mono(str(value))) for name, value in sorted(values.items())]
    return table(title, ("Name", "Value"), rows, empty=empty, wide=False)


def tags(obj: ModelVersion) -> Panel:
    rows = [(tag.key, markup.cut(tag.value, TAG_SHOWN)) for tag in obj.tags.all()]
    return table("Tags", ("Key", "Value"), rows, empty="No tag. Set some above.", wide=False)


def training_data(obj: ModelVersion) -> Panel:
    rows = [
        (markup.object_link(version), version.row_count or "—")
        for version in obj.training_data.select_related("dataset")
    ]
    empty = "None was named when the version was registered."
    return table("Training data", ("Dataset version", "Rows"), rows, empty=empty, wide=False)


def promotions(obj: ModelVersion) -> Panel:
    rows = [
        (
            markup.object_link(promotion, f"to {promotion.target}"),
            markup.badge(promotion.status),
            promotion.requested_by.username,
            promotion.decided_by.username if promotion.decided_by else "—",
            markup.moment(promotion.created_at),
        )
        for promotion in obj.promotions.select_related("requested_by", "decided_by")[
            :PROMOTIONS_SHOWN
        ]
    ]
    return table(
        "Promotions",
        ("Promotion", "State", "Asked by", "Decided by", "Asked"),
        rows,
        empty="None yet. Promote this version above.",
    )


def card(obj: ModelVersion) -> Panel:
    """The model card, or a draft of it."""
    shown = card_of(obj)
    hint = "A draft from what is known; write the card above." if shown.draft else ""
    if shown.missing:
        hint = f"{hint} Still missing: {', '.join(shown.missing)}.".strip()
    context = {"html": shown.html}
    return Panel("Model card", "console/panels/card.html", context, hint=hint)


def scan(obj: ModelVersion) -> Panel:
    """What was found in the files."""
    found = _scan(obj)
    if found is None:
        empty = "Files are looked through once they have been copied."
        return table("Scan", ("Finding",), [], empty=empty)
    rows = [
        (
            markup.badge(finding["severity"], _severity_tone(finding["severity"])),
            markup.mono(finding["path"], 60),
            finding["kind"].replace("-", " "),
            finding["detail"],
        )
        for finding in found.findings
    ]
    reviewed = ""
    if found.reviewed_by is not None:
        reviewed = f" Reviewed by {found.reviewed_by.username}: {found.review_comment}"
    scanners = ", ".join(f"{name} {version}" for name, version in sorted(found.scanners.items()))
    return table(
        f"Scan: {found.verdict}",
        ("Severity", "File", "What", "Detail"),
        rows,
        empty="Nothing was found that a model does not need.",
        hint=f"By {scanners}. It informs; isolation protects.{reviewed}",
    )


def _severity_tone(severity: str) -> str:
    return {"dangerous": "danger", "suspicious": "warning"}.get(severity, "info")


def requirements(obj: ModelVersion) -> Panel:
    """Python packages that the artifact names."""
    rows = [
        (markup.mono(row["name"]), row.get("specifier", "") or "any", row.get("marker", ""))
        if "name" in row
        else (markup.mono(row.get("unparsed", "")), "cannot be read", "")
        for row in obj.requirements
    ]
    return table(
        "Requirements",
        ("Package", "Versions", "Where"),
        rows,
        empty="The files name no Python package.",
        wide=False,
    )


def uses(request: HttpRequest, obj: ModelVersion) -> Panel | None:
    """Versions that this one needs, and that need it; None where there are none."""
    rows = [
        (relation, markup.object_link(version), markup.badge(version.stage))
        for relation, versions in (("uses", obj.uses), ("used by", obj.used_by))
        for version in versions.visible_to(request.user).select_related("model")
    ]
    if not rows:
        return None
    return table("Dependencies", ("Relation", "Version", "Stage"), rows, empty="", wide=False)


def signatures(obj: ModelVersion) -> Panel:
    """Who signed the files."""
    rows = [
        (row.signer, markup.mono(row.key_id, 16), markup.moment(row.created_at))
        for row in obj.signatures.all()
    ]
    empty = "Signed once the files are kept and the signer runs."
    return table("Signatures", ("Signer", "Key", "When"), rows, empty=empty, wide=False)


def input_example(obj: ModelVersion) -> Panel | None:
    """A row as it is asked; None where the artifact holds none."""
    if obj.input_example is None:
        return None
    text = orjson.dumps(obj.input_example).decode().replace(",", ", ")
    return plain("Input example", text, wide=False)


def files_link(obj: ModelVersion) -> Any:
    """To the list of files; a dash until they are kept."""
    if obj.artifact_state != ArtifactState.READY:
        return markup.NOTHING
    url = reverse("admin:registry_modelversion_files", args=[obj.pk])
    text = f"{obj.file_count} files, {markup.size(obj.size_bytes)}"
    return format_html('<a class="hk-link" href="{}">{}</a>', url, text)
