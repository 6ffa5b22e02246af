"""Pickles and what carries them: found by content, disassembled, never loaded."""

import bz2
import io
import lzma
import math
import pickletools
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, Final, cast

import picklescan.scanner
from picklescan.scanner import SafetyLevel

from registry.algorithms.findings import Ledger
from registry.algorithms.npy import read_array_header

PICKLE_SUFFIXES: Final = frozenset(
    {".pkl", ".pickle", ".joblib", ".dill", ".dat", ".data", ".p", ".pt", ".pth", ".ckpt"}
)
# Only these can hold nothing but a pickle; a broken one is worth a word.
CERTAIN_SUFFIXES: Final = frozenset({".pkl", ".pickle", ".joblib", ".dill"})
NPY_MAGIC: Final = b"\x93NUMPY"
_HEAD: Final = 16
_CALLS: Final = frozenset({"REDUCE", "OBJ", "NEWOBJ", "NEWOBJ_EX", "BUILD"})
_TEXTS: Final = frozenset(
    {"UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING"}
    | {"SHORT_BINSTRING"}
)
_PROTOCOLS: Final = frozenset({b"\x02", b"\x03", b"\x04", b"\x05"})
SNIFFED_OPCODES: Final = 100_000
UNPACK_BYTES: Final = 1024 * 1024
_BROKEN: Final = (
    ValueError,
    OverflowError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    struct.error,
)
_UNPACKERS: Final[tuple[tuple[bytes, Callable[[], Any]], ...]] = (
    (b"\x1f\x8b", lambda: zlib.decompressobj(47)),
    (b"\x78\x01", lambda: zlib.decompressobj(47)),
    (b"\x78\x5e", lambda: zlib.decompressobj(47)),
    (b"\x78\x9c", lambda: zlib.decompressobj(47)),
    (b"\x78\xda", lambda: zlib.decompressobj(47)),
    (b"BZh", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", lzma.LZMADecompressor),
    (b"\x5d\x00\x00", lzma.LZMADecompressor),
)
_UNREAD_PACKING: Final = ((b"\x04\x22\x4d\x18", "lz4"), (b"7z\xbc\xaf\x27\x1c", "7z"))


@dataclass(frozen=True, slots=True)
class File:
    """Content to look at. `size_bytes` is the whole file's; `data` may hold its beginning."""

    data: IO[bytes]
    path: str
    suffix: str
    size_bytes: int


def scan_stream(file: File, ledger: Ledger) -> None:
    """Look for pickles in one file's content, whose `data` can be rewound. Adds to `ledger`."""
    ledger.check_time()
    head = file.data.read(_HEAD)
    file.data.seek(0)
    for magic, name in _UNREAD_PACKING:
        if head.startswith(magic):
            ledger.unreadable(file.path, f"it is packed by {name}, which is not opened here")
            return
    unpacker = next((make for magic, make in _UNPACKERS if head.startswith(magic)), None)
    if head.startswith(NPY_MAGIC):
        scan_array_header(file, ledger)
    elif unpacker is not None:
        _scan_packed(file, unpacker, ledger)
    else:
        scan_pickle(file, ledger)


def scan_pickle(file: File, ledger: Ledger) -> None:
    """Disassemble the content if it is a pickle: by its magic, its name, or because it runs."""
    start = file.data.tell()
    head = file.data.read(2)
    file.data.seek(start)
    stated = head[:1] == b"\x80" and head[1:] in _PROTOCOLS
    if file.suffix in CERTAIN_SUFFIXES or stated or _runs(file, ledger.limits.max_pickle_bytes):
        _disassemble(file, "it holds a pickle, which may run code when loaded", ledger)


def _disassemble(file: File, detail: str, ledger: Ledger) -> None:
    ledger.add(file.path, "pickle", detail, "suspicious")
    start = file.data.tell()
    if file.size_bytes > ledger.limits.max_pickle_bytes:
        ledger.unreadable(file.path, "the pickle is too large to be read here")
    elif _counted(file.data, file.path, ledger):
        file.data.seek(start)
        _scan_globals(file.data, file.path, ledger)


def scan_array_header(file: File, ledger: Ledger) -> None:
    """An .npy file: one of objects goes on as a pickle, and no size is believed."""
    try:
        shape, dtype = read_array_header(file.data)
    except _BROKEN as error:
        ledger.unreadable(file.path, f"the array's header cannot be read: {error}")
        return
    if dtype.hasobject:
        _disassemble(file, "an array of objects is a pickle", ledger)
        return
    declared, held = dtype.itemsize * math.prod(shape), file.size_bytes - file.data.tell()
    if declared > held:
        detail = f"it declares {declared} bytes and holds {held}"
        ledger.add(file.path, "array-size", detail, "dangerous")


def _scan_packed(file: File, unpacker: Callable[[], Any], ledger: Ledger) -> None:
    """joblib packs pickles by zlib, gzip, bz2 or lzma; unpacked only up to the limit.

    A loader runs what came before the damage: that part is read too.
    """
    limit, content = ledger.limits.max_pickle_bytes, bytearray()
    try:
        for chunk in _unpacked(file.data, unpacker):
            ledger.check_time()
            content += chunk
            if len(content) > limit:
                ledger.unreadable(file.path, f"unpacked it has more than {limit} bytes")
                return
    except (zlib.error, OSError, EOFError, lzma.LZMAError, ValueError) as error:
        if file.suffix in PICKLE_SUFFIXES:
            ledger.unreadable(file.path, f"it cannot be unpacked: {error}")
    inside = f"{file.path} (unpacked)"
    scan_pickle(File(io.BytesIO(content), inside, file.suffix, len(content)), ledger)


def _unpacked(data: IO[bytes], unpacker: Callable[[], Any]) -> Iterator[bytes]:
    """Every stream of the file, one after the other, as a loader reads them."""
    current, pending = unpacker(), b""
    while True:
        if not pending and getattr(current, "needs_input", True):
            pending = data.read(65536)
            if not pending:
                return
        yield current.decompress(pending, UNPACK_BYTES)
        pending = getattr(current, "unconsumed_tail", b"")
        if current.eof:
            pending = current.unused_data
            if not pending:
                return
            current = unpacker()


class _Window:
    """The beginning of a file for a parser: a line without an end would fill the memory."""

    def __init__(self, data: IO[bytes], size_bytes: int) -> None:
        self.data, self.left = data, size_bytes

    def read(self, size: int) -> bytes:
        """Read as far as the window goes; the end looks like the end of the file."""
        return self._taken(self.data.read(min(size, self.left)))

    def readline(self) -> bytes:
        """Read a line, or the part of it that is in the window."""
        return self._taken(self.data.readline(self.left))

    def _taken(self, content: bytes) -> bytes:
        self.left -= len(content)
        return content


def _opcodes(window: _Window) -> Iterator[Any]:
    return pickletools.genops(cast(IO[bytes], window))


def _runs(file: File, max_bytes: int) -> bool:
    """Whether bytes without a magic run as a pickle (protocols 0 and 1): they name and call.

    What goes on beyond the window and was a pickle so far counts as one.
    """
    named, texts, start = False, 0, file.data.tell()
    window = _Window(file.data, max_bytes)
    try:
        for place, (opcode, _, _) in enumerate(_opcodes(window)):
            if opcode.name == "INST" or (named and opcode.name in _CALLS):
                return True
            texts += opcode.name in _TEXTS
            named = named or opcode.name == "GLOBAL"
            named = named or (opcode.name == "STACK_GLOBAL" and texts > 1)
            if place > SNIFFED_OPCODES:
                break
    except _BROKEN:
        beyond = file.size_bytes > max_bytes
        return beyond and (window.left <= 0 or not file.data.read(1))
    finally:
        file.data.seek(start)
    return named


def _counted(data: IO[bytes], path: str, ledger: Ledger) -> bool:
    """Read every opcode once without keeping any; False where there are too many to keep."""
    seen = 0
    while True:
        try:
            for _ in pickletools.genops(data):
                seen += 1
                if seen % 65536 == 0:
                    ledger.check_time()
                if seen > ledger.limits.max_opcodes:
                    ledger.unreadable(path, "the pickle has too many opcodes to be read here")
                    return False
        except _BROKEN:
            detail = "the pickle cannot be followed to its end"
            ledger.add(path, "pickle-broken", detail, "suspicious")
            return True
        if not data.read(1):
            return True
        data.seek(-1, io.SEEK_CUR)


def _scan_globals(data: IO[bytes], path: str, ledger: Ledger) -> None:
    try:
        result = picklescan.scanner.scan_pickle_bytes(data, path)
    except (*_BROKEN, AttributeError, OSError, RecursionError) as error:
        ledger.unreadable(path, f"picklescan cannot read it: {type(error).__name__}: {error}")
        return
    if result.scan_err:
        detail = "the pickle cannot be followed to its end"
        ledger.add(path, "pickle-broken", detail, "suspicious")
    for found in result.globals:
        name = f"{found.module}.{found.name}"
        if found.safety == SafetyLevel.Dangerous:
            ledger.add(path, "pickle-global", f"it calls {name}", "dangerous")
        elif found.safety == SafetyLevel.Suspicious:
            ledger.add(path, "pickle-global", f"it loads {name}", "suspicious")
