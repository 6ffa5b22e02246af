"""Training in a real runner: what is fitted, what is refused, what is stopped."""

import numpy as np
import pytest

from hokusai.runner.client import Rows, RunnerClient
from hokusai.runner.errors import (
    InvalidParameters,
    ModelOutOfMemory,
    ModelRaised,
    ModelTimeout,
    OutputContract,
    RecipeRefused,
    TrainingDataUnusable,
)
from hokusai.runner.outputs import Outputs
from tests.hokusai.runner.conftest import Store
from tests.hokusai.runner.recipes.conftest import ASKED, COLUMNS, assignment, rows

CLASSIFIERS = [
    ("scikit-learn", {}),
    ("scikit-learn", {"model": "hist_gradient_boosting", "trees": 5}),
    ("lightgbm", {"trees": 5, "row_fraction": 0.8}),
]
REGRESSORS = [
    ("scikit-learn", {"alpha": 0.5}),
    ("scikit-learn", {"model": "hist_gradient_boosting", "trees": 5}),
    ("lightgbm", {"trees": 5}),
]


def one(client: RunnerClient, given: object, tables: list[Rows], **more: object) -> Outputs:
    """The answers of one fit on all tables."""
    stated = {
        "coalitions": [list(range(len(tables)))],
        "seeds": [1],
        "matrix": ASKED,
        "deadline_s": 30.0,
    }
    (outputs,) = client.fit_predict(project="p", assignment=given, tables=tables, **(stated | more))
    return outputs


@pytest.mark.parametrize(("recipe", "parameters"), CLASSIFIERS)
def test_what_is_exported_answers_as_what_was_fitted(
    trainer: RunnerClient, store: Store, recipe: str, parameters: dict[str, object]
) -> None:
    given, tables = assignment(recipe, **parameters), [rows(1), rows(2)]
    fitted = one(trainer, given, tables)
    files = trainer.fit_export(project="p", assignment=given, tables=tables, seed=1)
    served = trainer.predict_once(
        project="p", tree_digest=store.put(files), columns=COLUMNS, matrix=ASKED
    )
    assert served.classes == fitted.classes == ("no", "yes")
    assert np.array_equal(np.asarray(served.values), np.asarray(fitted.values))
    truth = np.where(ASKED.sum(axis=1) > 0, "yes", "no")
    assert np.mean(np.asarray(served.predictions()) == truth) > 0.7


@pytest.mark.parametrize(("recipe", "parameters"), REGRESSORS)
def test_a_regression_is_exported_as_it_was_fitted(
    trainer: RunnerClient, store: Store, recipe: str, parameters: dict[str, object]
) -> None:
    given = assignment(recipe, task="regression", **parameters)
    tables = [rows(1, 80, kind="regression")]
    fitted = one(trainer, given, tables)
    files = trainer.fit_export(project="p", assignment=given, tables=tables, seed=1)
    served = trainer.predict_once(
        project="p", tree_digest=store.put(files), columns=COLUMNS, matrix=ASKED
    )
    assert np.array_equal(np.asarray(served.values), np.asarray(fitted.values))
    truth = 3 * ASKED.sum(axis=1) + 1
    assert np.corrcoef(np.asarray(served.predictions()), truth)[0, 1] > 0.7


@pytest.mark.parametrize("recipe", ["scikit-learn", "lightgbm"])
def test_three_classes_of_numbers_keep_their_labels(trainer: RunnerClient, recipe: str) -> None:
    table = rows(1, 90)
    thirds = Rows(table.matrix, np.digitize(table.matrix[:, 0], [-0.4, 0.4]).astype(float))
    outputs = one(trainer, assignment(recipe, classes=[10, 20, 30]), [thirds])
    assert outputs.classes == (10, 20, 30)
    assert np.allclose(np.sum(outputs.probabilities(), axis=1), 1, atol=1e-6)


def test_the_same_rows_give_the_same_files_however_they_were_grouped(
    trainer: RunnerClient,
) -> None:
    first, second = rows(1), rows(2)
    joined = Rows(
        np.concatenate([second.matrix, first.matrix]), np.concatenate([second.labels, first.labels])
    )
    one_way = trainer.fit_export(
        project="p", assignment=assignment(), tables=[first, second], seed=3
    )
    another = trainer.fit_export(project="p", assignment=assignment(), tables=[joined], seed=3)
    assert one_way == another


def test_one_child_fits_many_coalitions(trainer: RunnerClient) -> None:
    tables = [rows(1), rows(2, shift=0.5), rows(3, shift=-0.5)]
    coalitions = [[0], [0, 1], [0, 1, 2], [0, 2], [2, 1, 0]]
    found = trainer.fit_predict(
        project="p",
        assignment=assignment(),
        tables=tables,
        coalitions=coalitions,
        seeds=[1] * len(coalitions),
        matrix=ASKED,
    )
    for members, outputs in zip(coalitions, found, strict=True):
        alone = one(trainer, assignment(), [tables[place] for place in members])
        assert np.array_equal(np.asarray(outputs.values), np.asarray(alone.values))
    assert found[0].values != found[1].values


def test_a_seed_changes_what_draws_by_it(trainer: RunnerClient) -> None:
    given = assignment("lightgbm", trees=5, row_fraction=0.5, min_samples_leaf=5)
    fits = trainer.fit_predict(
        project="p",
        assignment=given,
        tables=[rows(1, 200)],
        coalitions=[[0]] * 3,
        seeds=[1, 2, 1],
        matrix=ASKED,
    )
    assert fits[0].values == fits[2].values != fits[1].values


def test_a_recipe_the_runner_was_not_started_with_is_refused(trainer: RunnerClient) -> None:
    with pytest.raises(RecipeRefused, match="not started with such a recipe"):
        one(trainer, assignment("tests.hokusai.Evil"), [rows(1)])


def test_a_recipe_whose_package_is_missing_names_the_extra(trainer: RunnerClient) -> None:
    with pytest.raises(RecipeRefused, match="install the extra `nobody`"):
        one(trainer, assignment("missing", task="regression"), [rows(1, kind="regression")])


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"C": -1}, "C is above 0"),
        ({"depth": 3}, "knows no parameter 'depth'"),
        ({"learning_rate": 0.1}, "belongs to hist_gradient_boosting"),
    ],
)
def test_wrong_parameters_are_refused(
    trainer: RunnerClient, parameters: dict[str, object], said: str
) -> None:
    with pytest.raises(InvalidParameters, match=said):
        one(trainer, assignment(**parameters), [rows(1)])


def test_one_class_only_is_refused(trainer: RunnerClient) -> None:
    table = rows(1)
    with pytest.raises(TrainingDataUnusable, match="one class only") as raised:
        one(trainer, assignment(), [Rows(table.matrix, np.ones(len(table.labels)))])
    assert raised.value.context["coalition"] == 0


def test_no_row_is_refused(trainer: RunnerClient) -> None:
    with pytest.raises(TrainingDataUnusable, match="no row"):
        one(trainer, assignment(), [rows(1)], coalitions=[[]])


def test_an_empty_cell_is_refused_by_its_place(trainer: RunnerClient) -> None:
    matrix = rows(2).matrix.copy()
    matrix[4, 1] = np.nan
    with pytest.raises(TrainingDataUnusable, match="Table 1, row 4: b is empty"):
        one(trainer, assignment(), [rows(1), Rows(matrix, rows(2).labels)])


def test_rows_with_gaps_are_left_out_where_that_was_chosen(trainer: RunnerClient) -> None:
    whole, labels = rows(1), rows(1).labels.copy()
    labels[7] = np.nan
    kept = np.arange(len(labels)) != 7
    with_gap = one(trainer, assignment(missing="drop"), [Rows(whole.matrix, labels)])
    without = one(trainer, assignment(), [Rows(whole.matrix[kept], whole.labels[kept])])
    assert with_gap.values == without.values


def test_a_recipe_that_hangs_is_ended(trainer: RunnerClient) -> None:
    with pytest.raises(ModelTimeout):
        one(trainer, assignment("hangs", task="regression"), [rows(1)], deadline_s=0.5)


def test_a_recipe_that_eats_memory_is_ended(trainer: RunnerClient) -> None:
    with pytest.raises(ModelOutOfMemory):
        one(
            trainer,
            assignment("eatsmemory", task="regression"),
            [rows(1)],
            memory_bytes=300 << 20,
        )


def test_what_a_recipe_raises_betrays_no_row(trainer: RunnerClient) -> None:
    with pytest.raises(ModelRaised, match="failed while being fitted: ValueError: cannot fit …"):
        one(trainer, assignment("raises", task="regression"), [rows(1)])


def test_an_answer_that_is_no_number_is_refused(trainer: RunnerClient) -> None:
    with pytest.raises(OutputContract, match="not finite"):
        one(trainer, assignment("notnumbers", task="regression"), [rows(1)])


def test_a_recipe_cannot_read_the_machine(trainer: RunnerClient) -> None:
    if trainer.health().tier == "C":
        pytest.skip("NOT TESTED: this machine offers no isolation")
    outputs = one(trainer, assignment("reads", task="regression"), [rows(1)])
    assert set(outputs.predictions()) == {0.0}


def test_a_task_the_recipe_does_not_know_is_refused(trainer: RunnerClient) -> None:
    with pytest.raises(TrainingDataUnusable, match="no recipe for a classification"):
        one(trainer, assignment("reads"), [rows(1)])


def test_the_runner_names_its_recipes(trainer: RunnerClient, client: RunnerClient) -> None:
    assert {"scikit-learn", "lightgbm", "hangs"} <= set(trainer.health().recipes)
    assert set(client.health().recipes) == {"scikit-learn", "lightgbm"}
