import pytest

from experiments.run_reports import Axis, axes, compared, curves, unfetched
from tests.factories import RunFactory, RunHistoryFactory

pytestmark = pytest.mark.django_db


def test_what_differs_is_shown_and_what_a_run_lacks_is_none() -> None:
    one = RunFactory(parameters={"C": "1", "solver": "lbfgs"}, metrics={"loss": 0.5})
    other = RunFactory(parameters={"C": "2", "solver": "lbfgs"}, metrics={})
    found = compared([one, other])
    assert [(line.name, line.values) for line in found.parameters] == [("C", ("1", "2"))]
    assert [(line.name, line.values) for line in found.metrics] == [("loss", (0.5, None))]


def test_everything_is_shown_when_asked_for() -> None:
    runs = [RunFactory(), RunFactory()]
    assert compared(runs).parameters == ()
    (line,) = compared(runs, everything=True).parameters
    assert not line.differs


def test_axes_are_numbers_where_all_are_and_places_of_names_else() -> None:
    runs = [
        RunFactory(parameters={"C": "1e-1", "solver": "saga"}, metrics={"loss": 0.5}),
        RunFactory(parameters={"C": "2", "solver": "lbfgs"}, metrics={"loss": 0.25}),
        RunFactory(parameters={"solver": "nan"}, metrics={}),
    ]
    assert axes(compared(runs)) == (
        Axis("C", (), (0.1, 2.0, None)),
        Axis("solver", ("lbfgs", "nan", "saga"), (2.0, 0.0, 1.0)),
        Axis("loss", (), (0.5, 0.25, None)),
    )


def test_many_parameters_leave_room_for_metrics() -> None:
    runs = [
        RunFactory(parameters={f"p{n}": f"{n}{run}" for n in range(50)}, metrics={"loss": run})
        for run in (1, 2)
    ]
    found = axes(compared(runs))
    assert len(found) == 12
    assert found[-1].name == "loss"


def test_curves_are_of_metrics_with_more_than_one_value() -> None:
    run = RunFactory()
    RunHistoryFactory(run=run)
    RunHistoryFactory(run=run, metric="final", points=[[0, 1, 0.5]], total=1)
    found = curves([run])
    assert list(found) == ["accuracy"]
    assert found["accuracy"][0].points[1][2] == 0.9


def test_curves_come_in_the_order_of_the_runs() -> None:
    runs = [RunFactory(), RunFactory(), RunFactory()]
    for run in runs:
        RunHistoryFactory(run=run)
    chosen = [runs[1], runs[2], runs[0]]
    found = curves(chosen)["accuracy"]
    assert [(line.run, line.place) for line in found] == [
        (run, place) for place, run in enumerate(chosen)
    ]


def test_runs_whose_curves_nobody_asked_for_are_named() -> None:
    fetched, empty, waiting = RunFactory(), RunFactory(metrics={}), RunFactory()
    RunHistoryFactory(run=fetched)
    assert unfetched([fetched, empty, waiting]) == [waiting]
