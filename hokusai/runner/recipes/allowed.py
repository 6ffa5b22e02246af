"""Which recipes a runner was started with; every other class is refused."""

import importlib
import re
from collections.abc import Iterable, Mapping
from typing import Final

from hokusai.runner.errors import RecipeRefused
from hokusai.runner.recipes.base import Recipe

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
DOTTED: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
DEFAULT: Final = {
    "scikit-learn": "hokusai.runner.recipes.scikit.ScikitLearn",
    "lightgbm": "hokusai.runner.recipes.boosting.LightGbm",
}
# What a warmed parent could not import, by dotted path: its children are told, and cannot try.
_FAILED: dict[str, str] = {}


def parse(text: str) -> dict[str, str]:
    """`name=package.Class,name=package.Class` as a mapping. Raises ValueError."""
    found: dict[str, str] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, _, path = (part.strip() for part in entry.partition("="))
        if not NAME.fullmatch(name) or not DOTTED.fullmatch(path):
            raise ValueError(f"{entry!r} is no recipe; write name=package.module.Class")
        found[name] = path
    return found


def path_of(name: object, recipes: Mapping[str, str]) -> str:
    """The class of a recipe's name. Raises RecipeRefused for one that was not allowed."""
    if not isinstance(name, str) or name not in recipes:
        known = ", ".join(sorted(recipes)) or "none"
        raise RecipeRefused(
            f"The runner was not started with such a recipe; it has {known}.",
            recipe=str(name)[:80],
        )
    return recipes[name]


def load(path: str) -> Recipe:
    """An instance of a recipe's class. Raises RecipeRefused where it cannot be had."""
    if path in _FAILED:
        raise RecipeRefused(_FAILED[path], recipe=path)
    module, _, name = path.rpartition(".")
    try:
        kind = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise RecipeRefused(f"The recipe {path} cannot be imported.", recipe=path) from error
    if not (isinstance(kind, type) and issubclass(kind, Recipe)):
        raise RecipeRefused(f"{path} is no recipe.", recipe=path)
    return kind()


def warm(paths: Iterable[str]) -> None:
    """Import recipes and what they need; a failure is kept for whoever asks for the recipe."""
    for path in paths:
        try:
            recipe = load(path)
            reason = recipe.unavailable()
            for name in () if reason else recipe.modules:
                importlib.import_module(name)
        except (RecipeRefused, ImportError, OSError) as error:
            reason = f"The recipe {path} cannot be used: {error}"
        if reason:
            _FAILED[path] = reason
