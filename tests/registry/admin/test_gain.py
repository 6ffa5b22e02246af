from typing import Any

from registry.admin.gain import gain_panels
from registry.lineage import Credit, Gain, GainStep, Graph, Node, StepState


def version(number: int) -> Node:
    return Node(f"mdv_{number}", "version", f"tides.forecast v{number}", "tides", hidden=False)


def step(number: int, delta_ppm: int | None, metric: str = "accuracy", **fields: Any) -> GainStep:
    state = StepState.UNMEASURED if delta_ppm is None else StepState.MEASURED
    return GainStep(
        baseline=version(number),
        candidate=version(number + 1),
        **{"state": state, "metric": metric, "delta_ppm": delta_ppm, **fields},
    )


def gain(*steps: GainStep) -> Gain:
    totals: dict[str, int] = {}
    for one in steps:
        if one.delta_ppm is not None:
            totals[one.metric] = totals.get(one.metric, 0) + one.delta_ppm
    return Gain(version(9), list(steps), totals, Graph([], [], truncated=False))


def test_bars_are_in_the_unit_of_the_metric_and_gaps_say_why() -> None:
    answer = gain(step(1, 12_500), step(2, None, ""), step(3, 20_000))
    data = gain_panels(answer, [])[0].context["data"]
    assert [one["delta"] for one in data["steps"]] == [1.25, None, 2.0]
    assert data["steps"][1]["shown"] == "not measured"
    assert (data["unit"], data["total"]) == ("percentage points", "+3.25 pp")


def test_another_metric_is_listed_and_not_drawn() -> None:
    answer = gain(step(1, 10_000), step(2, 10_000), step(3, 40_000, "log_loss"))
    drawing = gain_panels(answer, [])[0]
    assert [one["delta"] for one in drawing.context["data"]["steps"]] == [1.0, 1.0, None]
    assert "+2.00 pp accuracy, +0.0400 log_loss" in drawing.hint


def test_what_is_hidden_says_so_and_names_nobody() -> None:
    hidden = Node("hidden-1", "contribution", "hidden", None, hidden=True)
    one = step(1, None, state=StepState.HIDDEN, credits=[Credit(hidden, None, None)])
    drawn = gain_panels(gain(one, step(2, 10_000)), [])[0].context["data"]["steps"][0]
    assert (drawn["shown"], drawn["credits"]) == ("not shown to you", ["hidden"])


def test_where_nothing_was_measured_the_drawing_says_what_to_do() -> None:
    drawing, steps = gain_panels(gain(step(1, None, "")), [])
    assert "choose Evaluate" in drawing.context["empty"]
    assert len(steps.context["rows"]) == 1
