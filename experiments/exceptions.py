from hokusai.core.errors import Conflict, Forbidden, InvalidInput


class BenchmarkNotApproved(Conflict):
    """Only an approved benchmark decides anything."""

    code = "benchmark_not_approved"


class SamePerson(Forbidden):
    """A benchmark is made by one person and approved by another."""

    code = "same_person"


class BenchmarkInvalid(InvalidInput):
    """The benchmark's columns, metrics or rows do not fit together."""

    code = "benchmark_invalid"
