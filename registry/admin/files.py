"""The files of a version, as a page."""

from django.urls import reverse

from hokusai.core.errors import OutsideError
from hokusai.storage import stores
from hokusai.web import markup
from hokusai.web.panels import Fact, Notice, Page, table
from registry.choices import ArtifactState
from registry.models import ModelVersion

FILES_SHOWN = 500


def files_page(version: ModelVersion) -> Page:
    """Every file with its digest and a link; what cannot be read says why."""
    title = f"Files of {version}"
    if version.artifact_state != ArtifactState.READY:
        return Page(title, notices=[Notice(f"The artifact is {version.artifact_state}.", "info")])
    try:
        files = stores["default"].manifest(version.tree_digest).files
    except OutsideError as error:
        return Page(title, notices=[Notice(str(error), "danger")])
    rows = [
        (
            markup.link(
                file.path, reverse("admin:registry_modelversion_file", args=[version.pk, file.path])
            ),
            markup.size(file.size),
            markup.mono(file.sha256, 16),
        )
        for file in files[:FILES_SHOWN]
    ]
    hint = "Each link works for some minutes and is recorded."
    if len(files) > FILES_SHOWN:
        hint = f"The first {FILES_SHOWN} of {len(files)}; the API lists all."
    return Page(
        title=title,
        badges=(markup.badge(version.security_level, "quiet"),),
        facts=(
            Fact("Version", markup.object_link(version)),
            Fact("Tree digest", markup.mono(version.tree_digest), "sha256 over all files"),
            Fact("Size", markup.size(version.size_bytes)),
        ),
        panels=(table("Files", ("File", "Size", "sha256"), rows, empty="", hint=hint),),
    )
