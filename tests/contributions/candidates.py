"""A model with a baseline, a benchmark and contributions that wait: what a candidate needs."""

from dataclasses import dataclass
from typing import Any

from contributions.models import Contribution
from experiments.models import Benchmark
from hokusai.accounts.models import Project
from registry.models import DatasetVersion, Model, ModelVersion
from tests.factories import (
    BenchmarkFactory,
    ContributionFactory,
    DatasetVersionFactory,
    ModelFactory,
    ModelVersionFactory,
    ProjectFactory,
)

COLUMNS = [{"name": "x", "dtype": "number"}, {"name": "label", "dtype": "integer"}]
OTHERS = [{"name": "y", "dtype": "number"}, {"name": "label", "dtype": "integer"}]


@dataclass(frozen=True)
class Line:
    """Rows of a line whose next candidate can be built."""

    project: Project
    model: Model
    baseline: ModelVersion
    benchmark: Benchmark
    base: DatasetVersion

    def given(self, **fields: Any) -> Contribution:
        """An accepted contribution that fits, unless told otherwise."""
        columns = fields.pop("columns", COLUMNS)
        given: Contribution = ContributionFactory(
            model=self.model,
            **{"status": "accepted", "dataset_version__columns": columns, **fields},
        )
        return given


def line() -> Line:
    """The line, without any contribution."""
    project = ProjectFactory()
    model = ModelFactory(project=project)
    base = DatasetVersionFactory(dataset__project=project, columns=COLUMNS)
    baseline = ModelVersionFactory(model=model)
    baseline.training_data.add(base)
    return Line(project, model, baseline, BenchmarkFactory(project=project), base)
