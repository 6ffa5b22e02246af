"""One prediction against `mlflow models serve`."""

import json
from dataclasses import dataclass

from bench.load import Load
from bench.measuring import Asked, Result, Turns, ask, result
from bench.sides import Running, Sides

CALLERS = 4


@dataclass(frozen=True)
class Serving:
    """The same model served by both sides."""

    sides: Sides
    at: Running
    turns: Turns
    seconds: int

    def predict_row(self) -> Result:
        """Requests per CPU second for one row of 64 columns, all processes of a side counted."""
        measured = self.turns.measure(self._asked(CALLERS))
        alone = self.turns.measure(self._asked(1))
        return result(
            measured["ours"].per_cpu_s,
            measured["peer"].per_cpu_s,
            "requests/CPU second",
            f"{CALLERS} connections; ours: web, runner and its children, Redis, PostgreSQL, with "
            "authentication and limits; peer: mlflow models serve, 1 worker, called directly; "
            f"p50 with one connection: {alone['ours'].p50_ms:.2f} ms against "
            f"{alone['peer'].p50_ms:.2f} ms",
        )

    def _asked(self, connections: int) -> dict[str, Asked]:
        loads = self._loads(connections)
        for name, one in loads.items():
            self._require_same_answer(name, one)
        pids = {"ours": self.sides.pids_of_ours(), "peer": self.sides.pids_of_scoring()}
        return {name: Asked(one, pids[name]) for name, one in loads.items()}

    def _loads(self, connections: int) -> dict[str, Load]:
        body = json.dumps({"rows": [dict(self.at.row)]}).encode()
        ours = Load(
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
        peer = Load(
            url=f"http://127.0.0.1:{self.at.scoring_port}",
            paths=["/invocations"],
            headers={"Content-Type": "application/json"},
            body=json.dumps({"dataframe_split": split}).encode(),
            connections=connections,
            seconds=self.seconds,
        )
        return {"ours": ours, "peer": peer}

    def _require_same_answer(self, name: str, one: Load) -> None:
        """Both sides must answer what the model answers; else the figures mean nothing."""
        answer = ask(one)
        shown = answer["outputs"][0]["prediction"] if name == "ours" else answer["predictions"][0]
        if shown != self.at.prediction:
            raise RuntimeError(f"{name} answered {shown}, not {self.at.prediction}.")
