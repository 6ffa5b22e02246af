"""Puts a process on the floor of its tier, in the order that keeps each step possible."""

import itertools
import os
import resource
import signal
import sys
from collections.abc import Iterable
from typing import Final

from hokusai.runner.sandbox import kernel, landlock, private_root, seccomp
from hokusai.runner.sandbox.plan import Plan

NAMESPACES: Final = (
    kernel.CLONE_NEWNS | kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC | kernel.CLONE_NEWPID
)
MAX_PROCESSES: Final = 64
MAX_FILE_BYTES: Final = 16 << 20
MAX_OPEN_FILES: Final = 128
# Address space that is reserved but never touched; the watchdog counts what is touched.
ADDRESS_SLACK_BYTES: Final = 512 << 20


def enter_namespaces(*, as_root: bool) -> None:
    """The next child of this process lives in new namespaces; as a user, in a user namespace."""
    if as_root:
        kernel.unshare(NAMESPACES)
        return
    uid, gid = os.getuid(), os.getgid()
    kernel.unshare(NAMESPACES | kernel.CLONE_NEWUSER)
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{uid} {uid} 1")
    _write("/proc/self/gid_map", f"{gid} {gid} 1")


def close_other_descriptors(keep: Iterable[int]) -> None:
    """0, 1 and 2 become /dev/null; nothing else but `keep` stays open."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    bounds = [2, *sorted(keep), os.sysconf("SC_OPEN_MAX")]
    for low, high in itertools.pairwise(bounds):
        os.closerange(low + 1, high)


def settle(plan: Plan) -> str:
    """Bind this process by `plan` and return the folder where it finds the model's files.

    Raises OSError where the tier cannot be had; the child must then end at once.
    """
    tree = plan.tree
    if plan.tier == "A":
        private_root.build(plan.scratch, plan.tree)
        tree = private_root.MODEL_PATH
    _limit(plan)
    if sys.platform == "linux":
        _drop_identity(plan)
        # Libraries are imported late too: where only root may read them, the uid is of no use.
        os.stat(os.__file__)
        kernel.die_with_parent(signal.SIGKILL)
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    if plan.tier == "B" or (plan.tier == "A" and landlock.abi()):
        _restrict_paths(plan.tier, tree)
    if plan.tier != "C":
        seccomp.install()
    return tree


def _drop_identity(plan: Plan) -> None:
    kernel.drop_bounding_set()
    if plan.uid:
        os.setgroups([])
        os.setresgid(plan.uid, plan.uid, plan.uid)
        os.setresuid(plan.uid, plan.uid, plan.uid)
    kernel.drop_capabilities()


def _restrict_paths(tier: str, tree: str) -> None:
    readable = [
        *private_root.python_paths(),
        *private_root.SYSTEM_LIBRARIES,
        *private_root.DEVICES,
        "/proc/self",
    ]
    if tree:
        readable.append(tree)
    writable = ["/dev/null"]
    if tier == "A":
        writable.append(private_root.TEMPORARY_PATH)
    landlock.restrict(readable, writable)


def _limit(plan: Plan) -> None:
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: MAX_FILE_BYTES,
        resource.RLIMIT_NOFILE: MAX_OPEN_FILES,
    }
    # Without a uid of its own the count would include every process of the same user.
    if plan.uid or plan.tier == "A":
        limits[resource.RLIMIT_NPROC] = MAX_PROCESSES
    if sys.platform == "linux":
        limits[resource.RLIMIT_AS] = _address_space() + plan.memory_bytes + ADDRESS_SLACK_BYTES
    for kind, value in limits.items():
        resource.setrlimit(kind, (value, value))


def _address_space() -> int:
    with open("/proc/self/statm", encoding="utf-8") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
