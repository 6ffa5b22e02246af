"""What measured: the lock file's digest and the code's revision name it in every statement."""

import subprocess
from functools import cache

from django.conf import settings

from hokusai.core.canonical import sha256_hex

UNKNOWN = "unknown"


@cache
def lock_digest() -> str:
    """sha256 of the lock file that this process was installed from."""
    return sha256_hex(settings.LOCK_FILE.read_bytes())


@cache
def revision() -> str:
    """The code's revision: from the settings in an image, from git in a checkout."""
    if settings.CODE_REVISION:
        return str(settings.CODE_REVISION)
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return UNKNOWN
    return answer.stdout.strip()
