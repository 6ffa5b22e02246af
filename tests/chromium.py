"""Debian's chromium for the browser tests, or a skip that nobody overlooks."""

import os
import shutil
import warnings

import pytest

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def executable() -> str:
    """The browser's path. Skips where there is none, and says how to get one."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        message = (
            "NO BROWSER TEST RAN: there is no chromium. "
            "Install it (Debian: apt-get install chromium) or set CHROMIUM to its path."
        )
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
    return path
