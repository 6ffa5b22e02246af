"""A root folder of the child's own: only Python, its libraries and the model, read-only."""

import os
import sys
from pathlib import Path
from typing import Final

from hokusai.runner.sandbox import kernel

MODEL_PATH: Final = "/model"
TEMPORARY_PATH: Final = "/tmp"  # noqa: S108 - inside the child's private root
TEMPORARY_BYTES: Final = 16 << 20
# Empty files fill no block, but each holds memory of the kernel.
TEMPORARY_FILES: Final = 1024
SYSTEM_LIBRARIES: Final = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/share/zoneinfo")
DEVICES: Final = ("/dev/null", "/dev/zero", "/dev/urandom")


def python_paths() -> list[str]:
    """Folders that hold the interpreter and its packages; none lies in another."""
    found = {os.path.realpath(p) for p in (sys.base_prefix, sys.prefix)}
    found |= {sys.base_prefix, sys.prefix}
    outer = sorted(path for path in found if path != "/")
    return [p for p in outer if not any(p != o and p.startswith(o + "/") for o in outer)]


def build(scratch: str, tree: str) -> None:
    """Enter the private root, built on `scratch`; the model's files appear at `MODEL_PATH`.

    Needs a mount namespace of its own and the capabilities in it. `tree` empty: no model.
    """
    kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    flags = kernel.MS_NOSUID | kernel.MS_NODEV
    kernel.mount("tmpfs", scratch, "tmpfs", flags, "size=1m,mode=755")
    # First, because Python itself may be installed below it.
    _mount_temporary(scratch + TEMPORARY_PATH, flags)
    for path in (*python_paths(), *SYSTEM_LIBRARIES):
        _show(path, scratch + path)
    for path in DEVICES:
        _show_device(path, scratch + path)
    if tree:
        _show(tree, scratch + MODEL_PATH, kernel.MS_NOEXEC)
    _mount_proc(scratch + "/proc")
    kernel.mount("none", scratch, "", kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | flags)
    os.chroot(scratch)
    os.chdir("/")


def _mount_temporary(target: str, flags: int) -> None:
    os.mkdir(target)
    options = f"size={TEMPORARY_BYTES},nr_inodes={TEMPORARY_FILES},mode=1777"
    kernel.mount("tmpfs", target, "tmpfs", flags | kernel.MS_NOEXEC, options)


def _show(source: str, target: str, extra: int = 0) -> None:
    if os.path.islink(source):
        # Where /lib is a link to usr/lib, the link itself is what programs follow.
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        os.symlink(os.readlink(source), target)
        return
    if not os.path.isdir(source) or os.path.isdir(target):
        return
    os.makedirs(target)
    _bind(source, target, kernel.MS_NODEV | extra)


def _show_device(source: str, target: str) -> None:
    os.makedirs(os.path.dirname(target), exist_ok=True)
    os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o666))
    kernel.mount(source, target, "", kernel.MS_BIND)


def _bind(source: str, target: str, extra: int) -> None:
    kernel.mount(source, target, "", kernel.MS_BIND | kernel.MS_REC)
    # In a user namespace a remount may not lose the flags that the source has.
    has = os.statvfs(source).f_flag
    kept = has & (kernel.MS_NODEV | kernel.MS_NOEXEC | kernel.MS_NOATIME | kernel.MS_NODIRATIME)
    kept |= kernel.MS_RELATIME if has & os.ST_RELATIME else 0
    flags = kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | kernel.MS_NOSUID
    kernel.mount("none", target, "", flags | kept | extra)


def _mount_proc(target: str) -> None:
    os.mkdir(target)
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC | kernel.MS_RDONLY
    try:
        kernel.mount("proc", target, "proc", flags, "subset=pid")
    except OSError:
        # Older kernels, and containers that mask parts of /proc: a child can do without.
        return
