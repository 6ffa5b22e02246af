"""The floor's parts, each tried in a process of its own."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from hokusai.runner.sandbox import landlock, private_root

ROOT = Path(__file__).parents[4]


def run(source: str) -> str:
    """Standard output of a Python program that may import the project."""
    command = [sys.executable, "-c", textwrap.dedent(source)]
    found = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    return found.stdout.strip()


@pytest.mark.skipif(not landlock.abi(), reason="NOT TESTED: this kernel has no Landlock")
def test_landlock_leaves_only_the_named_paths(tmp_path: Path) -> None:
    for name in ("open", "closed", "written"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    assert (
        run(f"""
        from pathlib import Path
        from hokusai.runner.sandbox import kernel, landlock
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        root = Path({str(tmp_path)!r})
        landlock.restrict([str(root / "open"), str(root / "absent")], [str(root / "written")])
        def tries(what):
            try:
                what()
            except PermissionError:
                return "no"
            return "yes"
        print(tries((root / "open/file").read_text), tries((root / "closed/file").read_text),
              tries((root / "open/new").touch), tries((root / "written/new").touch))
    """)
        == "yes no no yes"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="seccomp is Linux's")
def test_numbers_are_crunched_under_the_filter() -> None:
    assert (
        run("""
        import numpy
        from hokusai.runner.sandbox import seccomp
        seccomp.install()
        print(int((numpy.eye(300) @ numpy.ones(300)).sum()))
    """)
        == "300"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="seccomp is Linux's")
def test_the_filter_cannot_be_taken_off() -> None:
    assert (
        run("""
        import os, subprocess
        from hokusai.runner.sandbox import seccomp
        seccomp.install()
        try:
            subprocess.run(["true"])
        except PermissionError:
            print("refused")
    """)
        == "refused"
    )


def test_descriptors_that_are_not_kept_are_closed() -> None:
    assert (
        run("""
        import os
        from hokusai.runner.sandbox import floor
        kept, other, out = os.open("/", os.O_RDONLY), os.open("/", os.O_RDONLY), os.dup(1)
        floor.close_other_descriptors([kept, out])
        found = [d for d in range(3, 64) if os.path.exists(f"/proc/self/fd/{d}")]
        os.write(out, str(sorted(found) == sorted([kept, out])).encode())
    """)
        == "True"
    )


def test_python_is_shown_without_its_neighbours() -> None:
    paths = private_root.python_paths()
    assert all(os.path.isdir(path) for path in paths)
    assert any(os.__file__.startswith(path + "/") for path in paths)
    assert not any(str(ROOT) == path for path in paths)
