"""Reading a large artifact anew, in a worker: no request waits for it."""

from hokusai.core.errors import NotFound, OutsideError, OutsideUnavailable
from hokusai.core.events import SYSTEM, record
from hokusai.core.jobs import Work
from hokusai.storage import stores
from registry.checks import VERIFIED
from registry.damage import damage_recorded
from registry.models import ModelVersion


def verify_artifact(work: Work) -> None:
    """Compare every stored file with its digest and record what was seen. Safe to repeat.

    Raises OutsideUnavailable where a later try may work.
    """
    version = ModelVersion.objects.with_names().filter(public_id=work.job.subject).first()
    if version is None:
        raise NotFound("The version of this job is gone.")
    work.progress(10, "reading the files")
    passed, message = _seen(version)
    with work.result():
        record(
            VERIFIED,
            subject=version.public_id,
            actor=SYSTEM,
            project_id=version.project_id,
            label=str(version),
            after={"digest": version.tree_digest, "passed": passed, "message": message},
        )


def _seen(version: ModelVersion) -> tuple[bool, str]:
    digest = version.tree_digest
    try:
        with damage_recorded(version):
            manifest = stores["default"].verify_tree(digest)
    except OutsideUnavailable:
        raise
    except OutsideError as error:
        return False, str(error)
    return True, f"{len(manifest.files)} files match {digest[:12]}…"
