"""Everything a person, a client or a schedule may ask of the registry."""

from registry.services.archiving import (
    archive_dataset,
    archive_model,
    unarchive_dataset,
    unarchive_model,
)
from registry.services.conflicts import is_governed, resolve_conflict
from registry.services.conversions import exact_onnx
from registry.services.datasets import add_dataset_version, create_dataset, seal_for_stewards
from registry.services.downloads import open_artifact, open_file, open_table
from registry.services.imports import copies_waiting, start_import
from registry.services.inbox import AT_ONCE as INBOX_AT_ONCE
from registry.services.inbox import assign_tracked, ignore_tracked, unignore_tracked
from registry.services.lineage import NodeRef, link_lineage
from registry.services.made import Made, register_made
from registry.services.mapping import map_experiment, unmap_experiment
from registry.services.metadata import (
    checked_tags,
    describe_version,
    remove_tags,
    set_tags,
    state_facts,
)
from registry.services.models import create_model
from registry.services.nodes import version_node
from registry.services.plain_registration import PlainVersion, Registered, register_plain
from registry.services.policies import (
    Policy,
    default_policy,
    policies_of,
    policy_for,
    possible_approvers,
    set_policy,
    stated_policy,
)
from registry.services.promotions import (
    approve_promotion,
    cancel_promotion,
    expire_promotions,
    refuse_promotion,
    request_promotion,
)
from registry.services.retirement import retire_version
from registry.services.rollbacks import previous_of, roll_back
from registry.services.scans import review_scan
from registry.services.sharing import may_derive, share_model, unshare_model
from registry.services.signatures import add_signature
from registry.services.tracking import (
    forget_tracking,
    request_reconcile,
    request_reconciles,
    request_sweep,
    request_sweeps,
    take_hint,
)
from registry.services.uploads import (
    FileStatement,
    abort_expired,
    abort_upload,
    complete_upload,
    part_links,
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
    "INBOX_AT_ONCE",
    "FileStatement",
    "Made",
    "NodeRef",
    "PlainVersion",
    "Policy",
    "Registered",
    "abort_expired",
    "abort_upload",
    "add_dataset_version",
    "add_signature",
    "approve_promotion",
    "archive_dataset",
    "archive_model",
    "assign_tracked",
    "cancel_promotion",
    "checked_tags",
    "complete_upload",
    "copies_waiting",
    "create_dataset",
    "create_model",
    "default_policy",
    "describe_version",
    "exact_onnx",
    "expire_promotions",
    "forget_tracking",
    "ignore_tracked",
    "is_governed",
    "link_lineage",
    "map_experiment",
    "may_derive",
    "open_artifact",
    "open_file",
    "open_table",
    "part_links",
    "policies_of",
    "policy_for",
    "possible_approvers",
    "previous_of",
    "read_rows",
    "refuse_promotion",
    "register_made",
    "register_plain",
    "register_version",
    "remove_tags",
    "request_promotion",
    "request_reconcile",
    "request_reconciles",
    "request_sweep",
    "request_sweeps",
    "resolve_conflict",
    "retire_version",
    "retry_artifact",
    "retry_sync",
    "review_scan",
    "roll_back",
    "schema_of",
    "seal_for_stewards",
    "set_head",
    "set_policy",
    "set_tags",
    "share_model",
    "start_import",
    "start_upload",
    "state_facts",
    "stated_policy",
    "take_hint",
    "unarchive_dataset",
    "unarchive_model",
    "unignore_tracked",
    "unmap_experiment",
    "unshare_model",
    "version_node",
]
