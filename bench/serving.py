"""Predictions against `mlflow models serve` and BentoML, both called directly."""

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from bench.load import Load
from bench.measuring import Asked, Measured, Result, Turns, ask, result
from bench.sides import Running, Sides
from hokusai.runner.client import RunnerClient

CALLERS = 4
MANY_CALLERS = 64
MANY_ROWS = 1_000
BARE_CALLS = 2_000
Body = Callable[[int], object]


@dataclass(frozen=True)
class Peer:
    """Another server of the same model files: where it answers, what it is asked, its labels."""

    name: str
    port: int
    path: str
    body: Body
    said: str


@dataclass(frozen=True)
class Serving:
    """The same model served by all sides."""

    sides: Sides
    at: Running
    turns: Turns
    seconds: int

    def predict_row(self) -> Result:
        """Requests per CPU second for one row of 64 columns, all processes of a side counted."""
        peer = self._mlflow()
        measured = self.turns.measure(self._asked(peer, CALLERS))
        alone = self.turns.measure(self._asked(peer, 1))
        bare_ms, crowd = self._bare_ms(), self._crowd()
        return _per_cpu(
            measured,
            f"{CALLERS} connections; ours: web, runner and its children, Redis, PostgreSQL, with "
            f"authentication, limits and the log; peer: {peer.said}; "
            f"p50 with one connection: {alone['ours'].p50_ms:.2f} ms against "
            f"{alone['peer'].p50_ms:.2f} ms, the bare runner {bare_ms:.2f} ms; "
            f"{MANY_CALLERS} connections: p50 {crowd.p50_ms:.1f} ms, 99 % {crowd.p99_ms:.1f} ms "
            f"({crowd.p99_ms / crowd.p50_ms:.1f} x), none failed",
        )

    def predict_row_bentoml(self) -> Result:
        """The same against BentoML, which gets the row as an array."""
        peer = self._bento()
        measured = self.turns.measure(self._asked(peer, CALLERS))
        return _per_cpu(measured, f"{CALLERS} connections; peer: {peer.said}")

    def predict_1000(self) -> Result:
        """A thousand rows in one request, against the better of both peers."""
        found = {
            peer.name: self.turns.measure(self._asked(peer, 1, MANY_ROWS))
            for peer in (self._mlflow(), self._bento())
        }
        best = max(found, key=lambda name: found[name]["peer"].per_cpu_s)
        others = ", ".join(
            f"{name} {one['peer'].per_cpu_s:.1f} ({one['peer'].p50_ms:.1f} ms)"
            for name, one in found.items()
        )
        return _per_cpu(
            found[best],
            f"one connection, {MANY_ROWS} rows of 64 columns in each request; "
            f"ours {found[best]['ours'].p50_ms:.1f} ms with probabilities and the log; {others}",
        )

    def _asked(self, peer: Peer, connections: int, rows: int = 1) -> dict[str, Asked]:
        loads = {
            "ours": self._ours(connections, rows),
            "peer": self._theirs(peer, connections, rows),
        }
        self._require_same_answers(peer, loads)
        pids = {"ours": self.sides.pids_of_ours(), "peer": self.sides.pids_of_scoring(peer.name)}
        return {name: Asked(one, pids[name]) for name, one in loads.items()}

    def _ours(self, connections: int, rows: int = 1) -> Load:
        row = dict(self.at.row)
        given: object = {"rows": [row]}
        if rows > 1:
            given = {"columns": list(row), "data": [list(row.values())] * rows}
        return Load(
            url=f"http://127.0.0.1:{self.at.web_port}",
            paths=[f"/api/v1/models/{self.at.model_id}/predict"],
            headers={
                "Authorization": f"Bearer {self.at.secret}",
                "Content-Type": "application/json",
            },
            body=json.dumps(given).encode(),
            connections=connections,
            seconds=self.seconds,
        )

    def _theirs(self, peer: Peer, connections: int, rows: int) -> Load:
        return Load(
            url=f"http://127.0.0.1:{peer.port}",
            paths=[peer.path],
            headers={"Content-Type": "application/json"},
            body=json.dumps(peer.body(rows)).encode(),
            connections=connections,
            seconds=self.seconds,
        )

    def _mlflow(self) -> Peer:
        columns, values = list(self.at.row), list(self.at.row.values())
        return Peer(
            "scoring",
            self.at.scoring_port,
            "/invocations",
            lambda rows: {"dataframe_split": {"columns": columns, "data": [values] * rows}},
            "mlflow models serve, 1 worker, called directly",
        )

    def _bento(self) -> Peer:
        values = list(self.at.row.values())
        return Peer(
            "bento",
            self.at.bento_port,
            "/predict",
            lambda rows: {"rows": [values] * rows},
            "BentoML, scikit-learn on numpy, 1 worker, called directly",
        )

    def _require_same_answers(self, peer: Peer, loads: dict[str, Load]) -> None:
        """All sides must answer what the model answers; else the figures mean nothing."""
        answer = ask(loads["ours"])
        theirs = ask(loads["peer"])
        label = theirs["predictions"][0] if isinstance(theirs, dict) else theirs[0]
        if not answer["outputs"][0]["prediction"] == label == self.at.prediction:
            raise RuntimeError(f"{peer.name} answered {label}, ours {answer['outputs'][0]}.")

    def _bare_ms(self) -> float:
        """The median of one row asked of the model's own process, without the platform."""
        client = RunnerClient(self.sides.runner_socket())
        path = client.stats()[0].socket_path
        took = []
        for _ in range(BARE_CALLS):
            began = time.perf_counter()
            client.predict(path, rows=[dict(self.at.row)])
            took.append(time.perf_counter() - began)
        return statistics.median(took) * 1e3

    def _crowd(self) -> Measured:
        """Ours with many callers at once; a request that fails ends the run."""
        one = replace(self._ours(MANY_CALLERS), seconds=max(self.seconds, 5))
        return self.turns.measure({"ours": Asked(one, self.sides.pids_of_ours())})["ours"]


def _per_cpu(measured: dict[str, Measured], note: str) -> Result:
    ours, peer = measured["ours"].per_cpu_s, measured["peer"].per_cpu_s
    return result(ours, peer, "requests/CPU second", note)
