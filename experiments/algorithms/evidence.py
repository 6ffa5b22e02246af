"""What someone else needs to repeat a decision: integers, without the order of rows."""

from typing import Any

import numpy as np

from experiments.algorithms.metrics.base import Form, Outcomes
from experiments.algorithms.outcomes import (
    PairedOutcomes,
    cluster_codes,
    counted_rows,
    units_of,
    weights_ppm,
)
from experiments.algorithms.paired import count_discordant
from experiments.algorithms.resampling import RESAMPLES


def evidence_of(paired: PairedOutcomes, seed: int) -> dict[str, Any]:
    """Return the evidence as JSON of integers and texts; docs/statistics.md states its forms.

    `counts`: rows lost (b), won (c) and all (n) as the metric states them. `sums`: the sorted units
    `[weight, baseline…, candidate…]`. `ranks`, for AUROC: units of rows
    `[weight, baseline's place, candidate's place, label]`, both levels sorted.
    """
    head: dict[str, Any] = {"metric": paired.metric, "n": paired.n}
    if paired.is_plain:
        counts = count_discordant(paired.baseline[:, 0], paired.candidate[:, 0])
        return {"form": "counts", **head, "b": counts.b, "c": counts.c}
    head |= {"clustered": paired.clusters is not None, "weighted": paired.weights is not None}
    if paired.found.form == Form.RANKS:
        return {"form": "ranks", **head, "units": _rank_units(paired)}
    drawn: dict[str, Any] = {"seed": seed, "resamples": RESAMPLES}
    return {"form": "sums", **head, **drawn, "units": units_of(paired).tolist()}


def _rank_units(paired: PairedOutcomes) -> list[list[list[int]]]:
    rows = counted_rows(paired)
    codes = cluster_codes(paired)
    table: Outcomes = np.column_stack(
        [
            weights_ppm(paired)[rows],
            paired.baseline[rows, 0],
            paired.candidate[rows, 0],
            paired.baseline[rows, 1],
        ]
    )
    if codes is None:
        return [[row] for row in sorted(table.tolist())]
    units: dict[int, list[list[int]]] = {}
    for code, row in zip(codes[rows].tolist(), table.tolist(), strict=True):
        units.setdefault(code, []).append(row)
    return sorted(sorted(unit) for unit in units.values())
