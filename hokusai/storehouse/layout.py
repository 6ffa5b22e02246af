"""Where the local stores and the store process find the same bytes.

blobs/ab/<sha256>                            kept content
uploads/parts/<upload id>/<number>.<md5>     parts of an upload that is not complete; `key` beside
"""

import re
from pathlib import Path
from typing import Final

DIGEST: Final = re.compile(r"[0-9a-f]{64}")
UPLOAD_ID: Final = re.compile(r"[0-9a-f]{32}")
PART_NAME: Final = re.compile(r"([0-9]{5})\.([0-9a-f]{32})")
MAX_PARTS: Final = 10_000
KEY: Final = "key"
DRAFT: Final = ".draft-"


def blob_path(root: Path, digest: str) -> Path:
    """Where a blob lies; `digest` is 64 hexadecimal digits."""
    return root / "blobs" / digest[:2] / digest


def parts_folder(root: Path, upload_id: str) -> Path:
    """The folder of one upload's parts; `upload_id` is 32 hexadecimal digits."""
    return root / "uploads" / "parts" / upload_id


def part_name(number: int, etag: str) -> str:
    """The name of a part's file; its ETag is the md5 of its bytes, as with S3."""
    return f"{number:05}.{etag}"


def stored_parts(folder: Path) -> dict[int, Path]:
    """The newest file of each part. Raises FileNotFoundError for an upload that is not there."""
    found: dict[int, Path] = {}
    for path in sorted(folder.iterdir(), key=lambda path: path.lstat().st_mtime_ns):
        if match := PART_NAME.fullmatch(path.name):
            found[int(match[1])] = path
    return found
