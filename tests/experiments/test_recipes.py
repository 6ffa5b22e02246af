import pytest
from pytest_django import Settings

from experiments.exceptions import RecipeUnusable
from experiments.recipes import checked_parameters, listed_recipes, recipe_for
from hokusai.runner.recipes.boosting import LightGbm

SHIPPED = "hokusai.runner.recipes.scikit.ScikitLearn"


def test_shipped_recipes_state_their_tasks_and_parameters() -> None:
    listed = {recipe.name: recipe for recipe in listed_recipes()}
    assert set(listed) == {"lightgbm", "scikit-learn"}
    stated = listed["scikit-learn"].parameters["regression"]
    assert stated["properties"]["alpha"]["default"] == 1.0
    assert listed["scikit-learn"].available


def test_an_extra_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LightGbm, "requires", "a_package_that_nobody_has")
    listed = {recipe.name: recipe for recipe in listed_recipes()}
    assert not listed["lightgbm"].available
    assert "install the extra `lightgbm`" in listed["lightgbm"].unavailable
    with pytest.raises(RecipeUnusable, match="install the extra"):
        recipe_for("lightgbm", "classification")


def test_a_recipe_that_cannot_be_imported_is_listed_with_the_reason(settings: Settings) -> None:
    settings.TRAINING_RECIPES = {"broken": "no_such_module.Recipe", "fine": SHIPPED}
    broken, fine = listed_recipes()
    assert (broken.available, fine.available) == (False, True)
    assert "cannot be imported" in broken.unavailable


def test_an_unknown_recipe_is_refused_with_those_that_are_known(settings: Settings) -> None:
    settings.TRAINING_RECIPES = {"mine": SHIPPED}
    with pytest.raises(RecipeUnusable, match="there are mine"):
        recipe_for("other", "classification")


def test_what_ranks_is_trained_as_a_regression() -> None:
    recipe = recipe_for("scikit-learn", "ranking")
    assert checked_parameters(recipe, "ranking", {})["model"] == "ridge"
