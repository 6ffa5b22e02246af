"""Training recipes: how the platform itself fits a model on any part of the data it was given.

A recipe is a class of installed code that an operator lists in TRAINING_RECIPES; it runs in a child
of the runner, on the floor of every model. The classes here are light: what `fit` needs is imported
by the warmed parent of training processes alone.
"""

from hokusai.runner.recipes.base import FittedModel, Recipe, Table
from hokusai.runner.recipes.parameters import Parameter

__all__ = ["FittedModel", "Parameter", "Recipe", "Table"]
