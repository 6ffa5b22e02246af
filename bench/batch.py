"""A batch job of a million rows against a plain scikit-learn loop in one process per core."""

from dataclasses import dataclass

from bench.measuring import Result, result
from bench.sides import Sides
from bench.sizes import BATCH_COLUMNS as COLUMNS
from bench.sizes import BATCH_PROCESSES as PROCESSES
from bench.sizes import BATCH_ROWS as ROWS
from hokusai.embedded import roster

SERVERS = ("worker", "runner", "redis", "postgres")


@dataclass(frozen=True)
class Batch:
    """Rows per second from asking for the batch to one file with all outputs."""

    sides: Sides
    rounds: int

    def batch_1m(self) -> Result:
        """Same Parquet file in, the same outputs as Parquet; aim 0.8 of the loop's rows/s."""
        sides = self.sides
        sides.supervisor.start(roster.worker(sides.servers.folder, sides.addresses))
        sides.supervisor.wait_ready("worker")
        folder = str(sides.folder / "batch")
        try:
            pids = [sides.supervisor.pid(name) for name in SERVERS]
            call = f"measure({folder!r}, {self.rounds}, {pids!r})"
            seen = sides.inside(call, module="batching")
        finally:
            sides.supervisor.stop("worker")
        if not seen["same"]:
            raise RuntimeError("The batch's outputs are not those of the loop.")
        ours_cpu_s = dict(zip(SERVERS, seen["ours_cpu_s"], strict=True))
        shown = ", ".join(f"{name} {spent:.2f}" for name, spent in ours_cpu_s.items())
        return result(
            ROWS / seen["ours_s"],
            ROWS / seen["peer_s"],
            "rows/s",
            f"{ROWS} rows of {COLUMNS} columns, StandardScaler and LogisticRegression from skops; "
            f"ours: {seen['parts']} leased parts on {PROCESSES} workers with isolated children, "
            "from the request to one Parquet file in the store; peer: processes that wait with "
            "everything imported, load the model, predict and predict_proba by row group, and one "
            f"file of both parts; {seen['ours_s']:.2f} s against {seen['peer_s']:.2f} s, CPU "
            f"{sum(ours_cpu_s.values()):.2f} s ({shown}) against {seen['peer_cpu_s']:.2f} s "
            "without the joining",
        )
