"""The runner's seccomp profile allows what its sandbox does, and little more."""

import json
from pathlib import Path
from typing import Any

from hokusai.runner.sandbox import floor, kernel

PROFILE: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "docker" / "runner-seccomp.json").read_text(encoding="utf-8")
)
ALLOWED = {
    name
    for rule in PROFILE["syscalls"]
    if rule["action"] == "SCMP_ACT_ALLOW"
    for name in rule["names"]
}
# What sandbox/floor.py, landlock.py, private_root.py and seccomp.py call by way of kernel.py or os.
NEEDED = {
    *("unshare", "mount", "chroot", "chdir", "prctl", "capset", "prlimit64", "close_range"),
    *("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"),
    *("mkdir", "symlink", "openat", "statfs", "dup2", "wait4", "kill", "clone", "execve"),
    *("socket", "socketpair", "sendmsg", "recvmsg", "setgroups", "setresuid", "setresgid"),
}
REACHING_OUT = {
    *("ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd", "setns"),
    *("bpf", "perf_event_open", "userfaultfd", "keyctl", "add_key", "request_key"),
    *("io_uring_setup", "io_uring_enter", "io_uring_register", "memfd_create", "memfd_secret"),
    *("open_by_handle_at", "umount2", "pivot_root", "init_module", "finit_module", "kexec_load"),
    *("reboot", "swapon", "personality", "fsopen", "fsmount", "move_mount", "open_tree"),
}


def _conditions(name: str) -> list[dict[str, Any]]:
    rules = [rule for rule in PROFILE["syscalls"] if name in rule["names"]]
    return [condition for rule in rules for condition in rule.get("args", [])]


def test_everything_is_refused_but_what_is_listed() -> None:
    assert PROFILE["defaultAction"] == "SCMP_ACT_ERRNO"


def test_the_sandbox_may_do_what_it_does() -> None:
    assert not NEEDED - ALLOWED


def test_what_reaches_into_others_is_refused() -> None:
    assert not REACHING_OUT & ALLOWED


def test_namespaces_are_had_in_the_one_way_of_the_sandbox() -> None:
    flags = floor.NAMESPACES | kernel.CLONE_NEWUSER
    assert _conditions("unshare") == [{"index": 0, "value": flags, "op": "SCMP_CMP_EQ"}]


def test_a_clone_makes_no_namespace() -> None:
    (condition,) = _conditions("clone")
    assert condition["op"] == "SCMP_CMP_MASKED_EQ"
    assert condition["valueTwo"] == 0
    assert condition["value"] & (floor.NAMESPACES | kernel.CLONE_NEWUSER) == (
        floor.NAMESPACES | kernel.CLONE_NEWUSER
    )


def test_clone3_seems_absent_so_that_libc_uses_clone() -> None:
    (rule,) = [rule for rule in PROFILE["syscalls"] if "clone3" in rule["names"]]
    assert (rule["action"], rule["errnoRet"]) == ("SCMP_ACT_ERRNO", 38)


def test_every_name_is_listed_in_one_place() -> None:
    unconditional = [
        name for rule in PROFILE["syscalls"] if "args" not in rule for name in rule["names"]
    ]
    assert len(unconditional) == len(set(unconditional))
    assert not set(unconditional) & {"unshare", "clone", "socket"}
