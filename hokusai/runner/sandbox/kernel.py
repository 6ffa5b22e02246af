"""The Linux calls that Python does not offer, by ctypes. Each raises OSError as the os module does.

Numbers: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of Linux.
"""

import ctypes
import os
import platform
from typing import Any, Final

MS_RDONLY: Final = 1
MS_NOSUID: Final = 2
MS_NODEV: Final = 4
MS_NOEXEC: Final = 8
MS_REMOUNT: Final = 32
MS_NOATIME: Final = 1024
MS_NODIRATIME: Final = 2048
MS_BIND: Final = 4096
MS_REC: Final = 16384
MS_PRIVATE: Final = 1 << 18
MS_RELATIME: Final = 1 << 21

CLONE_NEWNS: Final = 0x00020000
CLONE_NEWIPC: Final = 0x08000000
CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWPID: Final = 0x20000000
CLONE_NEWNET: Final = 0x40000000

PR_SET_PDEATHSIG: Final = 1
PR_SET_SECCOMP: Final = 22
PR_CAPBSET_DROP: Final = 24
PR_SET_NO_NEW_PRIVS: Final = 38

CAPABILITY_VERSION_3: Final = 0x20080522
LAST_CAPABILITY: Final = 63
CAPSET: Final = {"x86_64": 126, "aarch64": 91}

LIBC: Final = ctypes.CDLL(None, use_errno=True)


def checked(result: int, what: str) -> int:
    """`result`, or the OSError of errno where it is negative."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return result


def syscall(number: int, *arguments: Any) -> int:
    """A raw system call."""
    converted = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return checked(LIBC.syscall(ctypes.c_long(number), *converted), f"syscall {number}")


def prctl(option: int, first: Any = 0, second: Any = 0) -> None:
    """prctl(2) with up to two arguments."""
    values = [ctypes.c_ulong(v) if isinstance(v, int) else v for v in (first, second)]
    zero = ctypes.c_ulong(0)
    checked(LIBC.prctl(ctypes.c_int(option), *values, zero, zero), f"prctl {option}")


def unshare(flags: int) -> None:
    """unshare(2)."""
    checked(LIBC.unshare(ctypes.c_int(flags)), "unshare")


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    """mount(2)."""
    result = LIBC.mount(
        os.fsencode(source),
        os.fsencode(target),
        kind.encode(),
        ctypes.c_ulong(flags),
        options.encode(),
    )
    checked(result, f"mount {target}")


def drop_bounding_set() -> None:
    """No later exec can regain a capability; needs CAP_SETPCAP."""
    for capability in range(LAST_CAPABILITY + 1):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            # EINVAL: past the last one this kernel knows.
            return


def drop_capabilities() -> None:
    """Effective, permitted and inheritable capabilities become empty."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)()
    syscall(CAPSET[platform.machine()], ctypes.byref(header), ctypes.byref(data))


def die_with_parent(signal_number: int) -> None:
    """This process gets `signal_number` when its parent ends. A change of uid forgets it."""
    prctl(PR_SET_PDEATHSIG, signal_number)
