"""Removing what an upload that was given up left in the store."""

from hokusai.core.jobs import Work
from hokusai.storage import uploads
from registry.models import Upload


def remove_upload(work: Work) -> None:
    """Forget the parts and files of an upload. Safe to repeat and to be killed at any line."""
    upload = Upload.objects.get(public_id=work.job.subject)
    for row in upload.files.all():
        work.progress(50, f"removing {row.path}")
        uploads["default"].abort(row.storage_key, row.storage_upload)
        uploads["default"].delete(row.storage_key)
