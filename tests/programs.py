"""Starting Hokusai's own programs in tests, their lines counted where the run counts lines."""

import sys
from pathlib import Path

from coverage import Coverage

ROOT = Path(__file__).resolve().parents[1]


def python(*arguments: str) -> list[str]:
    """The command of `python …`, under coverage where this process is."""
    if Coverage.current() is None:
        return [sys.executable, *arguments]
    settings = f"--rcfile={ROOT / 'pyproject.toml'}"
    return [sys.executable, "-m", "coverage", "run", "--parallel-mode", settings, *arguments]
