from hokusai.core.errors import Conflict, DomainError, Forbidden, InvalidInput


class BenchmarkNotApproved(Conflict):
    """Only an approved benchmark decides anything."""

    code = "benchmark_not_approved"


class SamePerson(Forbidden):
    """A benchmark is made by one person and approved by another."""

    code = "same_person"


class BenchmarkInvalid(InvalidInput):
    """The benchmark's columns, metrics or rows do not fit together."""

    code = "benchmark_invalid"


class Undecidable(DomainError):
    """A metric has no value on these rows, so that nothing is shown either way."""

    code = "undecidable"


class RecipeUnusable(InvalidInput):
    """There is no such training recipe here, or its parameters are wrong."""

    code = "recipe_unusable"


class TrainingImpossible(DomainError):
    """Nothing can be trained from these tables by this recipe; the message says why."""

    code = "training_impossible"
