"""Everything a person, a client or a schedule may ask of the registry."""

from registry.services.datasets import add_dataset_version, create_dataset, seal_for_stewards
from registry.services.lineage import NodeRef, link_lineage
from registry.services.metadata import describe_version, remove_tags, set_tags, state_facts
from registry.services.models import create_model
from registry.services.nodes import version_node
from registry.services.promotions import (
    approve_promotion,
    cancel_promotion,
    refuse_promotion,
    request_promotion,
)
from registry.services.uploads import (
    FileStatement,
    abort_expired,
    abort_upload,
    complete_upload,
    start_upload,
)
from registry.services.versions import (
    register_version,
    retry_artifact,
    retry_sync,
    set_head,
)
from registry.tables import read_rows, schema_of

__all__ = [
    "FileStatement",
    "NodeRef",
    "abort_expired",
    "abort_upload",
    "add_dataset_version",
    "approve_promotion",
    "cancel_promotion",
    "complete_upload",
    "create_dataset",
    "create_model",
    "describe_version",
    "link_lineage",
    "read_rows",
    "refuse_promotion",
    "register_version",
    "remove_tags",
    "request_promotion",
    "retry_artifact",
    "retry_sync",
    "schema_of",
    "seal_for_stewards",
    "set_head",
    "set_tags",
    "start_upload",
    "state_facts",
    "version_node",
]
