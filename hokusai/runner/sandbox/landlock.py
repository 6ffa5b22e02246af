"""Landlock: paths a child may read, no TCP, no signals out. Source: landlock(7)."""

import ctypes
import os
import struct
from collections.abc import Iterable
from typing import Final

from hokusai.runner.sandbox import kernel

CREATE_RULESET: Final = 444
ADD_RULE: Final = 445
RESTRICT_SELF: Final = 446
VERSION_FLAG: Final = 1
PATH_BENEATH: Final = 1

READ_FILE: Final = 1 << 2
READ_DIR: Final = 1 << 3
WRITE_FILE: Final = 1 << 1
READ: Final = READ_FILE | READ_DIR
REMOVE: Final = 1 << 4 | 1 << 5
MAKE: Final = 1 << 7 | 1 << 8
TRUNCATE: Final = 1 << 14
# Highest bit of the file system rights known to each ABI, from 1.
HIGHEST_RIGHT: Final = (12, 13, 14, 14, 15)
NETWORK_ABI: Final = 4
SCOPES_ABI: Final = 6
BIND_AND_CONNECT_TCP: Final = 3
ABSTRACT_SOCKETS_AND_SIGNALS: Final = 3


def abi() -> int:
    """The kernel's Landlock ABI; 0 without Landlock."""
    try:
        return kernel.syscall(CREATE_RULESET, None, 0, VERSION_FLAG)
    except OSError:
        return 0


def restrict(readable: Iterable[str], writable: Iterable[str]) -> None:
    """This process may read below `readable`, also write below `writable`, and nothing else.

    Needs no_new_privs. Paths that do not exist are left out. Raises OSError without Landlock.
    """
    version = kernel.syscall(CREATE_RULESET, None, 0, VERSION_FLAG)
    handled = (2 << HIGHEST_RIGHT[min(version, len(HIGHEST_RIGHT)) - 1]) - 1
    network = BIND_AND_CONNECT_TCP if version >= NETWORK_ABI else 0
    scopes = ABSTRACT_SOCKETS_AND_SIGNALS if version >= SCOPES_ABI else 0
    raw = struct.pack("<QQQ", handled, network, scopes)
    size = 24 if version >= SCOPES_ABI else 16 if version >= NETWORK_ABI else 8
    ruleset = kernel.syscall(CREATE_RULESET, ctypes.create_string_buffer(raw[:size], size), size, 0)
    for path in readable:
        _allow(ruleset, path, READ)
    for path in writable:
        _allow(ruleset, path, (READ | WRITE_FILE | REMOVE | MAKE | TRUNCATE) & handled)
    kernel.syscall(RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    if not os.path.isdir(path):
        rights &= READ_FILE | WRITE_FILE | TRUNCATE
    rule = ctypes.create_string_buffer(struct.pack("<Qi", rights, descriptor), 12)
    kernel.syscall(ADD_RULE, ruleset, PATH_BENEATH, rule, 0)
    os.close(descriptor)
