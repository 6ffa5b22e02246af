"""A seccomp filter written by hand: everything is allowed but what reaches out of the child.

Refused calls answer EPERM; clone3 answers ENOSYS, so that libc falls back to clone, whose flags a
filter can read. Source: seccomp(2), Documentation/userspace-api/seccomp_filter.rst.
"""

import ctypes
import errno
import os
import platform
import struct
from typing import Final

from hokusai.runner.sandbox import kernel

AUDIT_ARCH: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
COLUMN: Final = {"x86_64": 0, "aarch64": 1}

# name: (x86_64, aarch64); None where the architecture lacks the call.
REFUSED: Final[dict[str, tuple[int | None, int | None]]] = {
    # Sockets of any family; socketpair, because an unconnected datagram end can send by path.
    "socket": (41, 198),
    "connect": (42, 203),
    "socketpair": (53, 199),
    "bind": (49, 200),
    "listen": (50, 201),
    # New processes and programs; threads are clone with CLONE_THREAD, below.
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    # Memory that no process's mappings show, which would escape the watchdog.
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    # Namespaces and mounts.
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    # Other processes.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "tkill": (200, 130),
    # Wide kernel surfaces that no model needs.
    "bpf": (321, 280),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "fanotify_init": (300, 262),
    # Shares of the whole machine's or of the user's allowance, which others would miss.
    "io_setup": (206, 0),
    "io_submit": (209, 2),
    "inotify_init": (253, None),
    "inotify_init1": (294, 26),
    "personality": (135, 92),
    "modify_ldt": (154, None),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "iopl": (172, None),
    "ioperm": (173, None),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "settimeofday": (164, 170),
    "adjtimex": (159, 171),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "syslog": (103, 116),
}
# Allowed only towards the process itself, named by its first argument.
OWN_PID_ONLY: Final = {
    "kill": (62, 129),
    "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
}
PRLIMIT64: Final = (302, 261)
CLONE: Final = (56, 220)
CLONE3: Final = (435, 435)
CLONE_THREAD: Final = 0x00010000

LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
AT_LEAST: Final = 0x35  # BPF_JMP | BPF_JGE | BPF_K
ANY_BIT: Final = 0x45  # BPF_JMP | BPF_JSET | BPF_K
RETURN: Final = 0x06

ALLOW: Final = 0x7FFF0000
KILL_PROCESS: Final = 0x80000000
ERRNO: Final = 0x00050000
X32_BIT: Final = 0x40000000

NUMBER_AT: Final = 0
ARCH_AT: Final = 4
FIRST_ARGUMENT_AT: Final = 16

Instruction = tuple[int, int, int, int]


def program(machine: str, pid: int) -> list[Instruction]:
    """The filter for a process that sees itself as `pid`, as (code, jt, jf, k)."""
    column = COLUMN[machine]
    refuse, allow = (RETURN, 0, 0, ERRNO | errno.EPERM), (RETURN, 0, 0, ALLOW)
    lines: list[Instruction] = [
        (LOAD, 0, 0, ARCH_AT),
        (EQUAL, 1, 0, AUDIT_ARCH[machine]),
        (RETURN, 0, 0, KILL_PROCESS),
        (LOAD, 0, 0, NUMBER_AT),
        # The x32 twins of every call carry this bit; no other call does.
        (AT_LEAST, 0, 1, X32_BIT),
        refuse,
    ]
    for numbers in REFUSED.values():
        number = numbers[column]
        if number is not None:
            lines += [(EQUAL, 0, 1, number), refuse]
    lines += [(EQUAL, 0, 1, CLONE3[column]), (RETURN, 0, 0, ERRNO | errno.ENOSYS)]
    first = (LOAD, 0, 0, FIRST_ARGUMENT_AT)
    lines += [(EQUAL, 0, 4, CLONE[column]), first, (ANY_BIT, 0, 1, CLONE_THREAD), allow, refuse]
    for numbers in OWN_PID_ONLY.values():
        lines += [(EQUAL, 0, 4, numbers[column]), first, (EQUAL, 0, 1, pid), allow, refuse]
    to_self = [first, (EQUAL, 1, 0, 0), (EQUAL, 0, 1, pid), allow, refuse]
    lines += [(EQUAL, 0, len(to_self), PRLIMIT64[column]), *to_self, allow]
    return lines


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("lines", ctypes.c_void_p)]


def install() -> None:
    """Put the filter on this process, for good. Needs no privilege.

    Raises OSError where the kernel or the machine has none.
    """
    machine = platform.machine()
    if machine not in COLUMN:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), "seccomp")
    lines = program(machine, os.getpid())
    raw = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *line) for line in lines))
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    filter_program = _Program(len(lines), ctypes.addressof(raw))
    kernel.prctl(kernel.PR_SET_SECCOMP, 2, ctypes.byref(filter_program))
