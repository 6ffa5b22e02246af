"""Measure Hokusai against its peers, side by side; write bench/results.json and print a table.

python -m bench.run [--rounds 5] [--seconds 3] [--models 2000] [--only get_version …]
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from bench import load, sides
from bench.alone import Alone
from bench.attributing import Attributing
from bench.batch import Batch
from bench.children import Children
from bench.measuring import Result, Turns
from bench.registries import Registries
from bench.resampling import Resampling
from bench.serving import Serving
from bench.sides import Sides
from bench.sizes import MODELS
from hokusai.embedded.servers import EmbeddedServers

RESULTS = Path(__file__).parent / "results.json"
BUSY = 0.5


def measurements(both: Sides, rounds: int, seconds: int) -> dict[str, Callable[[], Result]]:
    """Everything that needs servers, in its order: what adds rows comes last."""
    at, turns = both.start(), Turns(both, rounds)
    registries = Registries(both, at, turns, seconds)
    serving = Serving(both, at, turns, seconds)
    alone = Alone(both)
    return {
        "get_version": registries.get_version,
        "search_versions": registries.search_versions,
        "production_version": registries.production_version,
        "create_version": registries.create_version,
        "predict_row": serving.predict_row,
        "batch_1m": Batch(both, rounds).batch_1m,
        "predict_row_bentoml": serving.predict_row_bentoml,
        "predict_1000": serving.predict_1000,
        "search_growth": alone.search_growth,
        "lineage_1000": alone.lineage_1000,
        "impact_1m": alone.impact_1m,
        "log_append": alone.log_append,
        "prediction_log": alone.prediction_log,
        "admin_list_1m": alone.admin_list_1m,
    }


def table(results: dict[str, Result]) -> str:
    """What is printed."""
    lines = [f"{'':<20}{'ours':>10}{'peer':>10}{'ratio':>8}  unit"]
    for name, one in results.items():
        lines.append(f"{name:<20}{one.ours:>10.1f}{one.peer:>10.1f}{one.ratio:>8.2f}  {one.unit}")
        lines.append(f"{'':<20}{one.note}")
    return "\n".join(lines)


def main() -> int:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--models", type=int, default=MODELS)
    parser.add_argument("--only", nargs="*", default=[], help="names; results are only printed")
    options = parser.parse_args()
    others = os.getloadavg()[0]
    if others > BUSY:
        print(f"This machine is busy (load {others:.1f}): trust CPU seconds, not requests/s.")
    alone = Resampling(options.rounds).measurements() | Attributing(1).measurements()
    alone |= Children().measurements()
    results = _measured({name: alone[name] for name in options.only or alone if name in alone})
    if not options.only or set(options.only) - set(alone):
        results |= _with_servers(options)
    if not options.only:
        stated = {name: asdict(one) for name, one in results.items()}
        text = json.dumps({"load_at_the_start": round(others, 1), **stated}, indent=1)
        RESULTS.write_text(text + "\n")
    print(table(results))
    return 0


def _with_servers(options: argparse.Namespace) -> dict[str, Result]:
    """What is asked of a running instance and its peers, who are stopped and removed after."""
    sides.ensure_peers()
    folder = Path(tempfile.mkdtemp(prefix="hokusai-bench-"))
    print(f"Starting both sides in {folder}; load by {load.generator()}", flush=True)
    try:
        with EmbeddedServers(folder / "ours", parts=("postgres", "redis")) as servers:
            both = Sides(servers, folder, models=options.models)
            known = measurements(both, options.rounds, options.seconds)
            wanted = {name: one for name, one in known.items() if name in (options.only or known)}
            return _measured(wanted, servers)
    finally:
        sides.remove(folder)


def _measured(
    chosen: dict[str, Callable[[], Result]], servers: EmbeddedServers | None = None
) -> dict[str, Result]:
    results = {}
    for name, measure in chosen.items():
        print(f"Measuring {name} …", flush=True)
        try:
            results[name] = measure()
        except RuntimeError:
            if servers is None:
                raise
            for server in ("web", "runner", "postgres", "scoring", "mlflow-gunicorn"):
                print(f"--- {server}\n{servers.folder.log_tail(server, 40)}", file=sys.stderr)
            raise
        print(f"  {results[name].ours} : {results[name].peer}  {results[name].note}", flush=True)
    return results


if __name__ == "__main__":
    sys.exit(main())
