"""Figures of our side that no peer has: how searching grows, lineage, long lists."""

from dataclasses import dataclass

from bench.measuring import Result
from bench.sides import Sides
from bench.sizes import PER_MODEL

SMALL = 1_000
MANY = 1_000_000


@dataclass(frozen=True)
class Alone:
    """Our side by itself; `ours` is at the larger size, `peer` at the smaller or the aim."""

    sides: Sides

    def search_growth(self) -> Result:
        """The same search, 200 matches, in a registry of 1,000 versions and in the whole one."""
        versions = self.sides.models * PER_MODEL
        small = self.sides.inside_small(f"searches({SMALL})")
        large = self.sides.inside(f"searches({versions})")
        return Result(
            large["selective"],
            small["selective"],
            round(small["selective"] / large["selective"], 2),
            "ms",
            f"{versions} versions against {SMALL}, 200 of which carry three tags; in process, with "
            f"the page's JSON; where three common tags are independent {large['independent']} ms, "
            f"where two common tags never meet {large['disjoint']} ms at {versions}",
        )

    def lineage_1000(self) -> Result:
        """The lineage of 1,000 versions with two parents and two datasets each; aim 50 ms."""
        self.sides.inside("fill_lineage()")
        self.sides.gather_statistics()
        seen = self.sides.inside("lineage()")
        return Result(
            seen["ms"],
            50.0,
            round(50.0 / seen["ms"], 2),
            "ms",
            f"against the aim; {seen['nodes']} nodes, {seen['edges']} edges, {seen['walks']} "
            "recursive query",
        )

    def impact_1m(self) -> Result:
        """A contributor's impact among 1,000,000 attributions; aim 50 ms."""
        self.sides.inside("fill_impact()", module="credit")
        self.sides.gather_statistics()
        seen = self.sides.inside("impact()", module="credit")
        return Result(
            seen["ms"],
            50.0,
            round(50.0 / seen["ms"], 2),
            "ms",
            f"against the aim; GET contributors/{{address}}/impact in process, {seen['shares']} "
            f"attributions of {seen['people']} people in {seen['models']} models; sums made anew "
            f"in {seen['rebuilt_s']} s",
        )

    def log_append(self) -> Result:
        """Eight writers and the sequencer at the log, proofs at 100,000 leaves; aim 1,000 /s."""
        seen = self.sides.inside("append()", module="appending")
        if seen["gaps"] or seen["missing"] or seen["unexpected"]:
            raise RuntimeError(f"The log has not what was committed: {seen}")
        proofs = self.sides.inside("prove()", module="appending")
        return Result(
            seen["per_second"],
            1000.0,
            round(seen["per_second"] / 1000.0, 2),
            "/s",
            f"against the aim; {seen['records']} records committed and sequenced, no gap; an "
            f"inclusion proof at {proofs['leaves']} leaves {proofs['ms']} ms (99 %: "
            f"{proofs['p99_ms']} ms), aim 1 ms",
        )

    def prediction_log(self) -> Result:
        """Predictions from the queue of one web process into PostgreSQL; aims 20,000 /s, 5 µs."""
        seen = self.sides.inside("write()", module="prediction_log")
        return Result(
            seen["per_second"],
            20_000.0,
            round(seen["per_second"] / 20_000.0, 2),
            "rows/s",
            f"against the aim; one thread of one process, {seen['row_bytes']} bytes a row in the "
            f"table, {seen['cpu_us']} µs of CPU a row beside PostgreSQL's; `put` takes "
            f"{seen['put_us']} µs of a request, aim 5 µs",
        )

    def admin_list_1m(self) -> Result:
        """Pages of the console's list of 1,000,000 versions; aim 200 ms."""
        self.sides.inside(f"grow({MANY})")
        self.sides.gather_statistics()
        seen = self.sides.inside("admin_list()")
        slowest = max(seen[name] for name in ("first", "deep", "stage", "tag"))
        return Result(
            seen["first"],
            200.0,
            round(200.0 / seen["first"], 2),
            "ms",
            f"against the aim; {seen['versions']} versions, first page; from the middle "
            f"{seen['deep']} ms, by stage {seen['stage']} ms, by tag {seen['tag']} ms; "
            f"the slowest {slowest} ms",
        )
