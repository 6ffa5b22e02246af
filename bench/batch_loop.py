"""The peer of a batch: a plain loop over row groups with scikit-learn, in a process of its own.

python -m bench.batch_loop FOLDER NUMBER OF; it says when it is ready, and begins when told to.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import skops.io

WRITING: dict[str, Any] = {"compression": "snappy", "use_dictionary": ["prediction"]}


def main(folder: Path, number: int, of: int) -> None:
    """Predict every row group of this process's share, and write the outputs as Parquet."""
    while sys.stdin.readline() == "go\n":
        model = skops.io.load(folder / "model" / "model.skops")
        file = pq.ParquetFile(folder / "table.parquet", memory_map=True)
        groups = np.array_split(np.arange(file.metadata.num_row_groups), of)[number].tolist()
        _predict(model, file, groups, folder / f"outputs-{number}.parquet")
        print("done", flush=True)


def _predict(model: object, file: pq.ParquetFile, groups: list[int], target: Path) -> None:
    names = ("prediction", "probability.0", "probability.1")
    kinds = (pa.int64(), pa.float64(), pa.float64())
    schema = pa.schema(list(zip(names, kinds, strict=True)))
    with pq.ParquetWriter(target, schema, **WRITING) as writer:
        for group in groups:
            table = file.read_row_group(group, use_threads=False)
            matrix = np.column_stack([column.to_numpy() for column in table.columns])
            labels = model.predict(matrix)  # type: ignore[attr-defined]
            probabilities = model.predict_proba(matrix)  # type: ignore[attr-defined]
            columns = [labels, probabilities[:, 0], probabilities[:, 1]]
            writer.write_table(pa.table([pa.array(one) for one in columns], schema=schema))


def join(folder: Path, of: int) -> None:
    """One file of what the processes wrote, in order."""
    parts = [pq.ParquetFile(folder / f"outputs-{number}.parquet") for number in range(of)]
    with pq.ParquetWriter(folder / "outputs.parquet", parts[0].schema_arrow, **WRITING) as writer:
        for part in parts:
            writer.write_table(part.read(use_threads=False))


if __name__ == "__main__":
    print("ready", flush=True)
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
