"""The permission matrix: one line per permission, the roles that hold it."""

from hokusai.accounts.choices import Role

_EVERY_MEMBER = frozenset(Role)
_CONTRIBUTE = frozenset({Role.CONTRIBUTOR, Role.ENGINEER, Role.OWNER})
_BUILD = frozenset({Role.ENGINEER, Role.OWNER})
_REVIEW = frozenset({Role.REVIEWER, Role.OWNER})
_STEWARD = frozenset({Role.ENGINEER, Role.REVIEWER, Role.OWNER})
_OWN = frozenset({Role.OWNER})
# Not the owner: whoever may register versions must not see what they are measured by.
_SEE_BENCHMARK = frozenset({Role.REVIEWER})

PERMISSIONS: dict[str, frozenset[Role]] = {
    "accounts.view_project": _EVERY_MEMBER,
    "accounts.change_project": _OWN,
    "accounts.manage_members": _OWN,
    "accounts.use_api_keys": _EVERY_MEMBER,
    "notify.use_notifications": _EVERY_MEMBER,
    "notify.manage_webhooks": _OWN,
    "core.view_event": _STEWARD,
    "core.view_job": _STEWARD,
    "core.change_job": _BUILD,
    "transparency.audit_log": _STEWARD,
    "registry.view_dataset": _EVERY_MEMBER,
    "registry.add_dataset": _CONTRIBUTE | _REVIEW,
    "registry.read_benchmark_rows": _SEE_BENCHMARK,
    "registry.view_model": _EVERY_MEMBER,
    "registry.register_version": _BUILD,
    "registry.download_internal": _EVERY_MEMBER,
    "registry.download_confidential": _STEWARD,
    "registry.download_restricted": _REVIEW,
    # An owner maps experiments that name the project; the inbox is the administrators'.
    "registry.map_experiment": _OWN,
    "registry.manage_tracking": frozenset(),
    # Keys are the platform's, not a project's: administrators alone.
    "signers.manage_keys": frozenset(),
    "registry.request_promotion": _BUILD,
    "registry.decide_promotion": _REVIEW,
    "registry.review_scan": _REVIEW,
    "registry.roll_back": _REVIEW,
    "registry.retire_version": _REVIEW,
    "registry.manage_policy": _OWN,
    "registry.share_model": _OWN,
    "registry.archive_model": _OWN,
    "registry.archive_dataset": _OWN,
    "experiments.view_benchmark": _EVERY_MEMBER,
    "experiments.add_benchmark": _STEWARD,
    "experiments.approve_benchmark": _REVIEW,
    "experiments.view_comparison": _EVERY_MEMBER,
    "experiments.view_outcomes": _SEE_BENCHMARK,
    "experiments.request_comparison": _BUILD,
    "experiments.view_training": _EVERY_MEMBER,
    "experiments.request_training": _BUILD,
    "experiments.view_run": _EVERY_MEMBER,
    "contributions.view_contribution": _EVERY_MEMBER,
    "contributions.add_contribution": _CONTRIBUTE,
    "contributions.view_improvement": _EVERY_MEMBER,
    "contributions.request_attribution": _STEWARD,
    "contributions.revoke_attestation": _REVIEW,
    "contributions.manage_signing": _OWN,
    "deployments.view_deployment": _EVERY_MEMBER,
    "deployments.deploy": _BUILD,
    "deployments.predict": _EVERY_MEMBER,
    "deployments.run_batch": _CONTRIBUTE | _REVIEW,
    "deployments.view_receipt": _EVERY_MEMBER,
    # Rows that were asked about may tell of persons.
    "deployments.view_predictionlog": _STEWARD,
}

# What everybody may see of a public project without being its member.
PUBLIC_PERMISSIONS = frozenset(
    {
        "accounts.view_project",
        "registry.view_model",
        "experiments.view_benchmark",
        "experiments.view_comparison",
        "contributions.view_improvement",
    }
)


def roles_with(permission: str) -> frozenset[Role]:
    """Roles that hold a permission; none for one that nobody stated."""
    return PERMISSIONS.get(permission, frozenset())
