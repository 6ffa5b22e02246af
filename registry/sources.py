"""Where a version's bytes may come from: a run, a registered model, an upload, a Hub repository."""

import re

from hokusai.accounts.models import Project
from hokusai.core.fields import SLUG_PATTERN
from registry.exceptions import ArtifactRefused

# A run's model, a logged model by id, or a registered version by number. Never an alias: what an
# alias names changes under those who read it.
TRACKED = re.compile(
    r"^(runs:/[0-9a-f]{32}/[\w./ -]+|models:/m-[0-9a-f]{32}|models:/[^/@:]+/[1-9]\d*)\Z"
)
UPLOADED = re.compile(r"^upload:/(?P<upload>upl_[0-9a-f]{32})\Z")
# A commit, never a branch or a tag: what those name changes too.
HUB = re.compile(
    r"^hf:/(?P<repository>[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95})"
    r"@(?P<revision>[0-9a-f]{40})\Z"
)
# What the platform made itself: who asked for it, and the tree that it kept. Nobody may send it.
MADE = re.compile(r"^made:/(?P<maker>[a-z]{3}_[0-9a-f]{32})/(?P<tree>[0-9a-f]{64})\Z")
# How the platform names its models there: whoever knows the name may not see every project.
OURS = re.compile(rf"^models:/(?P<project>{SLUG_PATTERN})\.{SLUG_PATTERN}/")


def check_source(source: str, project: Project) -> None:
    """Raises ArtifactRefused for an address that names no fixed bytes, or another project's."""
    if not any(pattern.match(source) for pattern in (TRACKED, UPLOADED, HUB)):
        raise ArtifactRefused(
            "Give the source as runs:/<run id>/<path>, models:/m-<id>, models:/<name>/<number>, "
            "upload:/<upload id> or hf:/<owner>/<repository>@<commit>.",
            source=source[:200],
        )
    named = OURS.match(source)
    if named and named["project"] != project.slug:
        raise ArtifactRefused("A version is copied from models of its own project.", source=source)


def run_of(source: str) -> str:
    """The id of the run that a source names; empty where it names none."""
    return source.removeprefix("runs:/").split("/")[0] if source.startswith("runs:/") else ""
