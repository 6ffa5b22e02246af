"""Lineages as the apps state them, for tests that only read them."""

from dataclasses import dataclass, field
from typing import Any

from hokusai.accounts.models import Project
from registry.choices import EdgeKind, NodeKind
from registry.models import LineageNode, Model, ModelVersion
from tests.factories import (
    LineageEdgeFactory,
    LineageNodeFactory,
    ModelFactory,
    ModelVersionFactory,
)


def point(kind: NodeKind, name: str, project: Project | None, **fields: Any) -> LineageNode:
    """A point that is called after its id."""
    found: LineageNode = LineageNodeFactory(
        public_id=name, kind=kind, label=f"name of {name}", project=project, **fields
    )
    return found


def link(src: LineageNode, dst: LineageNode, kind: EdgeKind, **attributes: Any) -> None:
    LineageEdgeFactory(src=src, dst=dst, kind=kind, attributes=attributes)


@dataclass
class Line:
    """A model whose versions lead to each other, with what is known of each step."""

    project: Project
    model: Model = field(init=False)
    versions: list[ModelVersion] = field(default_factory=list)
    points: list[LineageNode] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.model = ModelFactory(project=self.project)

    def version(self) -> LineageNode:
        """The next version, whose parent is the one before."""
        made = ModelVersionFactory(model=self.model)
        found: LineageNode = LineageNodeFactory(
            public_id=made.public_id, label=str(made), project=self.project, model=self.model
        )
        if self.points:
            link(self.points[-1], found, EdgeKind.PARENT)
        self.versions.append(made)
        self.points.append(found)
        return found

    def improvement(
        self,
        name: str,
        *,
        baseline: int,
        candidate: int,
        delta_ppm: int = 10_000,
        metric: str = "accuracy",
        contributors: int = 1,
        roles: bool = True,
        project: Project | None = None,
    ) -> LineageNode:
        """An accepted comparison of two versions by number, as the apps state it."""
        place = project or self.project
        comparison = point(NodeKind.COMPARISON, f"cmp_{name}", place)
        improvement = point(NodeKind.IMPROVEMENT, f"imp_{name}", place)
        for role, number in (("baseline", baseline), ("candidate", candidate)):
            told = {"status": "accepted", **({"role": role} if roles else {})}
            link(self.points[number - 1], comparison, EdgeKind.COMPARED, **told)
        stated = {"delta_ppm": delta_ppm, "metric": metric, "contributors": contributors}
        link(comparison, improvement, EdgeKind.IMPROVED, **stated)
        return improvement

    def credit(self, improvement: LineageNode, name: str, basis_points: int) -> None:
        """A contribution, whoever gave it, and its part."""
        contribution = point(NodeKind.CONTRIBUTION, f"ctr_{name}", self.project)
        giver = point(NodeKind.CONTRIBUTOR, f"cbr_{name}", None)
        link(giver, contribution, EdgeKind.GIVEN_BY)
        link(contribution, improvement, EdgeKind.CREDITED, basis_points=basis_points)
