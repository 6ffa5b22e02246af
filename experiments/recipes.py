"""Training recipes as this installation lists them: the setting TRAINING_RECIPES."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from experiments.exceptions import RecipeUnusable
from hokusai.runner.errors import RunnerError
from hokusai.runner.outputs import Task
from hokusai.runner.recipes import Recipe, allowed, parameters


@dataclass(frozen=True, slots=True)
class ListedRecipe:
    """A recipe as people choose it. `unavailable`: why it cannot be used here; empty if it can."""

    name: str
    title: str
    description: str
    tasks: tuple[str, ...]
    parameters: dict[str, dict[str, Any]]
    unavailable: str

    @property
    def available(self) -> bool:
        """Whether a training by it may be asked for."""
        return not self.unavailable


def listed_recipes() -> list[ListedRecipe]:
    """Every recipe, in the setting's order; `parameters` holds a JSON Schema per task."""
    return [_listed(name) for name in settings.TRAINING_RECIPES]


def recipe_for(name: str, task: str) -> Recipe:
    """A recipe for a task. Raises RecipeUnusable: unknown, not installed, or of another task."""
    stated: Mapping[str, str] = settings.TRAINING_RECIPES
    if name not in stated:
        known = ", ".join(sorted(stated)) or "none"
        raise RecipeUnusable(f"There is no such recipe; there are {known}.", recipe=name[:80])
    recipe = _load(stated[name])
    if _task(task) not in recipe.tasks:
        raise RecipeUnusable(f"{recipe.title} is no recipe for a {task}.", recipe=name)
    if reason := recipe.unavailable():
        raise RecipeUnusable(reason, recipe=name)
    return recipe


def checked_parameters(recipe: Recipe, task: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters that count, defaults filled in. Raises RecipeUnusable for a wrong one."""
    try:
        return dict(parameters.checked(given, recipe.parameters(_task(task))))
    except RunnerError as error:
        raise RecipeUnusable(error.message, **error.context) from error


def _listed(name: str) -> ListedRecipe:
    try:
        recipe = _load(settings.TRAINING_RECIPES[name])
    except RecipeUnusable as error:
        return ListedRecipe(name, name, "", (), {}, str(error))
    schemas: dict[str, dict[str, Any]] = {
        task: parameters.schema_of(recipe.parameters(task)) for task in recipe.tasks
    }
    return ListedRecipe(
        name=name,
        title=recipe.title,
        description=recipe.description,
        tasks=recipe.tasks,
        parameters=schemas,
        unavailable=recipe.unavailable(),
    )


def _load(path: str) -> Recipe:
    try:
        return allowed.load(path)
    except RunnerError as error:
        raise RecipeUnusable(error.message, **error.context) from error


def _task(task: str) -> Task:
    # What ranks answers a number per row.
    return "classification" if task == "classification" else "regression"
