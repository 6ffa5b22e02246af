"""What a client asks of tables in foreign formats; a part of `RunnerClient`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from hokusai.runner.errors import (
    InvalidInput,
    ModelCrashed,
    ModelOutOfMemory,
    ModelTimeout,
    ProtocolError,
)

TableForm = Literal["arrow", "parquet"]
TABLE_DEADLINE_S: Final = 10.0
TABLE_MEMORY_BYTES: Final = 512 << 20
# A project's first table also waits for its warmed parent.
WARM_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Table:
    """Numbers under names. `block`: flat float64, row-major, `rows * len(columns)` of them."""

    columns: tuple[str, ...]
    rows: int
    block: "memoryview[float]"


class TableCalls:
    """Reading tables in a child of the runner; every method raises a RunnerError."""

    def _call(
        self, header: dict[str, Any], block: memoryview | None, timeout_s: float
    ) -> tuple[dict[str, Any], memoryview]:
        raise NotImplementedError

    def read_table(
        self,
        *,
        project: str,
        form: TableForm,
        body: bytes,
        max_rows: int,
        max_cells: int,
        memory_bytes: int = TABLE_MEMORY_BYTES,
        deadline_s: float = TABLE_DEADLINE_S,
    ) -> Table:
        """The numbers in `body`, an Arrow IPC stream or file, or a parquet file.

        A fresh child reads it, so that a file made to harm harms only that child. Columns hold
        finite numbers or truth values (1 and 0); whole numbers are at most 2^53. Raises
        InvalidInput with the row and the column for anything else, for more rows or cells than
        allowed, and for a body that is broken or does not fit into memory or time.
        """
        header = {
            "op": "read_table",
            "project": project,
            "form": form,
            "max_rows": max_rows,
            "max_cells": max_cells,
            "memory_bytes": memory_bytes,
            "deadline_s": deadline_s,
        }
        try:
            reply, block = self._call(header, memoryview(body), deadline_s + WARM_S)
        except ModelOutOfMemory as error:
            raise InvalidInput("The table takes too much memory to be read.") from error
        except ModelTimeout as error:
            raise InvalidInput("The table takes too long to be read.") from error
        except ModelCrashed as error:
            raise InvalidInput("The table is broken and cannot be read.") from error
        return _table(reply, block, max_cells)


def _table(reply: Mapping[str, Any], block: memoryview, max_cells: int) -> Table:
    # The sender read what a stranger made.
    columns, rows = reply.get("columns"), reply.get("rows")
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise ProtocolError("The table came without its columns.")
    if not isinstance(rows, int) or not 0 < rows * len(columns) <= max_cells:
        raise ProtocolError("The table came with a number of rows that cannot be.")
    if len(block) != 8 * rows * len(columns):
        raise ProtocolError("The table came with another size than it said.")
    return Table(columns=tuple(columns), rows=rows, block=block.cast("d"))
