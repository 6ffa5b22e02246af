"""Everything a person, a client or a schedule may ask of the registry."""

from registry.services.datasets import add_dataset_version, create_dataset, seal_for_stewards
from registry.services.lineage import NodeRef, link_lineage
from registry.services.nodes import version_node
from registry.services.promotions import (
    approve_promotion,
    cancel_promotion,
    refuse_promotion,
    request_promotion,
)
from registry.services.versions import (
    create_model,
    register_version,
    retry_artifact,
    retry_sync,
    set_head,
    set_tags,
    state_facts,
)
from registry.tables import read_rows, schema_of

__all__ = [
    "NodeRef",
    "add_dataset_version",
    "approve_promotion",
    "cancel_promotion",
    "create_dataset",
    "create_model",
    "link_lineage",
    "read_rows",
    "refuse_promotion",
    "register_version",
    "request_promotion",
    "retry_artifact",
    "retry_sync",
    "schema_of",
    "seal_for_stewards",
    "set_head",
    "set_tags",
    "state_facts",
    "version_node",
]
