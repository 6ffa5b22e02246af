"""Measure Hokusai against its peers, side by side; write bench/results.json and print a table.

python -m bench.run [--rounds 5] [--seconds 3]
"""

import argparse
import http.client
import json
import os
import statistics
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import cpu, load, sides
from bench.peer_fill import API, NAME
from bench.sides import Running, Sides
from bench.sizes import VERSIONS
from hokusai.embedded.servers import EmbeddedServers

RESULTS = Path(__file__).parent / "results.json"
READERS = 16
CALLERS = 4
BUSY = 0.5


@dataclass(frozen=True)
class Result:
    """One line of the table; `ratio` above 1 is in our favour."""

    ours: float
    peer: float
    ratio: float
    unit: str
    note: str


@dataclass(frozen=True)
class Measured:
    """What one load showed; CPU seconds are those of every process of the side."""

    per_second: float
    per_cpu_s: float
    p50_ms: float


@dataclass(frozen=True)
class Bench:
    """What both measurements share."""

    sides: Sides
    at: Running
    rounds: int
    seconds: int
    # Load average before anything of ours ran.
    others: float

    def get_version(self) -> Result:
        """Requests per second for one model version, with authentication and limits on."""
        loads = {"ours": self._read_ours()}
        for kind, port in self.at.mlflow_ports.items():
            loads[kind] = self._read_mlflow(port)
        pids = {"ours": self.sides.pids_of_ours(), **self.sides.pids_of_mlflow()}
        measured = self._alternate(loads, pids)
        best = max(self.at.mlflow_ports, key=lambda kind: measured[kind].per_second)
        each = ", ".join(
            f"{kind} {measured[kind].per_second:.0f}/s" for kind in self.at.mlflow_ports
        )
        ours, peer = measured["ours"], measured[best]
        frugal = max(measured[kind].per_cpu_s for kind in self.at.mlflow_ports)
        return _result(
            ours.per_second,
            peer.per_second,
            "requests/s",
            f"{READERS} connections, 2 workers each, {VERSIONS} versions in one PostgreSQL; "
            f"mlflow server at its best is {best} ({each}), without authentication; per CPU second "
            f"{ours.per_cpu_s:.0f} against {frugal:.0f} of its thriftier server, "
            "both with PostgreSQL; "
            f"other work on the machine at the start: {self.others:.1f} processes",
        )

    def predict_row(self) -> Result:
        """Requests per CPU second for one row of 64 columns, all processes of a side counted."""
        pids = {"ours": self.sides.pids_of_ours(), "peer": self.sides.pids_of_scoring()}
        measured = self._alternate(self._prediction_loads(CALLERS), pids)
        alone = self._alternate(self._prediction_loads(1), pids)
        return _result(
            measured["ours"].per_cpu_s,
            measured["peer"].per_cpu_s,
            "requests/CPU second",
            f"{CALLERS} connections; ours: web, runner and its children, Redis, PostgreSQL, with "
            "authentication and limits; peer: mlflow models serve, 1 worker, called directly; "
            f"p50 with one connection: {alone['ours'].p50_ms:.2f} ms against "
            f"{alone['peer'].p50_ms:.2f} ms",
        )

    def _read_ours(self) -> load.Load:
        return load.Load(
            url=f"http://127.0.0.1:{self.at.web_port}",
            paths=[f"/api/v1/models/{self.at.model_id}/versions/{n + 1}" for n in range(VERSIONS)],
            headers={"Authorization": f"Bearer {self.at.secret}"},
            connections=READERS,
            seconds=self.seconds,
        )

    def _read_mlflow(self, port: int) -> load.Load:
        paths = [f"{API}/model-versions/get?name={NAME}&version={n + 1}" for n in range(VERSIONS)]
        return load.Load(f"http://127.0.0.1:{port}", paths, {}, b"", READERS, self.seconds)

    def _prediction_loads(self, connections: int) -> dict[str, load.Load]:
        body = json.dumps({"rows": [dict(self.at.row)]}).encode()
        ours = load.Load(
            url=f"http://127.0.0.1:{self.at.web_port}",
            paths=[f"/api/v1/models/{self.at.model_id}/predict"],
            headers={
                "Authorization": f"Bearer {self.at.secret}",
                "Content-Type": "application/json",
            },
            body=body,
            connections=connections,
            seconds=self.seconds,
        )
        split = {"columns": list(self.at.row), "data": [list(self.at.row.values())]}
        peer = load.Load(
            url=f"http://127.0.0.1:{self.at.scoring_port}",
            paths=["/invocations"],
            headers={"Content-Type": "application/json"},
            body=json.dumps({"dataframe_split": split}).encode(),
            connections=connections,
            seconds=self.seconds,
        )
        loads = {"ours": ours, "peer": peer}
        for name, one in loads.items():
            self._require_same_answer(name, one)
        return loads

    def _require_same_answer(self, name: str, one: load.Load) -> None:
        """Both sides must answer what the model answers; else the figures mean nothing."""
        answer = ask(one)
        shown = answer["outputs"][0]["prediction"] if name == "ours" else answer["predictions"][0]
        if shown != self.at.prediction:
            raise RuntimeError(f"{name} answered {shown}, not {self.at.prediction}.")

    def _alternate(
        self, loads: dict[str, load.Load], pids: dict[str, list[int | None]]
    ) -> dict[str, Measured]:
        """Medians over rounds in which each side is measured once; the first round only warms."""
        seen: dict[str, list[Measured]] = {name: [] for name in loads}
        for _ in range(self.rounds + 1):
            for name, one in loads.items():
                seen[name].append(measure(one, pids[name]))
        return {name: median(values[1:]) for name, values in seen.items()}


def measure(one: load.Load, pids: list[int | None]) -> Measured:
    """One load on one side."""
    before = cpu.cpu_s(pids)
    outcome = load.run(one)
    per_cpu_s = outcome.requests / (cpu.cpu_s(pids) - before)
    return Measured(outcome.per_second, per_cpu_s, outcome.p50_ms)


def median(values: list[Measured]) -> Measured:
    """The median of each figure by itself."""
    return Measured(
        statistics.median(one.per_second for one in values),
        statistics.median(one.per_cpu_s for one in values),
        statistics.median(one.p50_ms for one in values),
    )


def ask(one: load.Load) -> dict[str, list]:
    """One request of a load, and its answer."""
    connection = http.client.HTTPConnection(one.url.removeprefix("http://"), timeout=30)
    connection.request(one.method, one.paths[0], one.body, dict(one.headers))
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    if reply.status != http.client.OK:
        raise RuntimeError(f"{one.url}{one.paths[0]}: {reply.status} {text!r}")
    answer: dict[str, list] = json.loads(text)
    return answer


def _result(ours: float, peer: float, unit: str, note: str) -> Result:
    return Result(round(ours, 1), round(peer, 1), round(ours / peer, 2), unit, note)


def table(results: dict[str, Result]) -> str:
    """What is printed."""
    lines = [f"{'':<14}{'ours':>10}{'peer':>10}{'ratio':>8}  unit"]
    for name, one in results.items():
        lines.append(f"{name:<14}{one.ours:>10.1f}{one.peer:>10.1f}{one.ratio:>8.2f}  {one.unit}")
        lines.append(f"{'':<14}{one.note}")
    return "\n".join(lines)


def main() -> int:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    options = parser.parse_args()
    sides.ensure_peers()
    others = os.getloadavg()[0]
    if others > BUSY:
        print(f"This machine is busy (load {others:.1f}): trust CPU seconds, not requests/s.")
    folder = Path(tempfile.mkdtemp(prefix="hokusai-bench-"))
    print(f"Starting both sides in {folder}; load by {load.generator()}", flush=True)
    try:
        with EmbeddedServers(folder / "ours", parts=("postgres", "redis")) as servers:
            both = Sides(servers, folder)
            bench = Bench(both, both.start(), options.rounds, options.seconds, others)
            print("Measuring …", flush=True)
            try:
                results = {"get_version": bench.get_version(), "predict_row": bench.predict_row()}
            except RuntimeError:
                for name in ("web", "runner", "postgres", "scoring"):
                    print(f"--- {name}\n{servers.folder.log_tail(name, 40)}", file=sys.stderr)
                raise
    finally:
        sides.remove(folder)
    RESULTS.write_text(json.dumps({k: asdict(v) for k, v in results.items()}, indent=1) + "\n")
    print(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
