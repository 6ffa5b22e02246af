"""How the registry's own rows stand in the lineage graph."""

from registry.choices import NodeKind
from registry.models import DatasetVersion, ModelVersion
from registry.services.lineage import NodeRef


def version_node(version: ModelVersion) -> NodeRef:
    return NodeRef(
        version.public_id, NodeKind.VERSION, str(version), version.project, version.model_id
    )


def dataset_node(dataset_version: DatasetVersion) -> NodeRef:
    return NodeRef(
        dataset_version.public_id,
        NodeKind.DATASET,
        str(dataset_version),
        dataset_version.project,
    )


def run_node(version: ModelVersion) -> NodeRef:
    """The MLflow run that made a version."""
    return NodeRef(
        f"run_{version.run_id}", NodeKind.RUN, f"run {version.run_id[:8]}", version.project
    )
