import pytest

from hokusai.runner.errors import RecipeRefused
from hokusai.runner.recipes import allowed
from hokusai.runner.recipes.allowed import DEFAULT, load, parse, path_of


def test_the_list_is_read_from_one_line() -> None:
    assert parse("a=x.y.Z, b=x.W") == {"a": "x.y.Z", "b": "x.W"}
    assert parse("") == {}


@pytest.mark.parametrize("text", ["a", "a=Z", "A=x.Z", "a=x.Z;import os", "=x.Z"])
def test_what_names_no_class_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no recipe"):
        parse(text)


@pytest.mark.parametrize("name", ["other", None, 3])
def test_a_name_that_was_not_allowed_is_refused(name: object) -> None:
    with pytest.raises(RecipeRefused):
        path_of(name, DEFAULT)


@pytest.mark.parametrize("path", ["os.path", "os.environ", "no_such_module.Recipe"])
def test_what_is_no_recipe_is_not_loaded(path: str) -> None:
    with pytest.raises(RecipeRefused):
        load(path)


@pytest.mark.parametrize("path", DEFAULT.values())
def test_shipped_recipes_load(path: str) -> None:
    recipe = load(path)
    assert recipe.tasks == ("classification", "regression")
    assert recipe.parameters("classification")


def test_a_recipe_that_could_not_be_warmed_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allowed, "_FAILED", {})
    allowed.warm(["no_such_module.Recipe"])
    with pytest.raises(RecipeRefused, match="cannot be used"):
        load("no_such_module.Recipe")
