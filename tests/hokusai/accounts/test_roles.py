import re
from pathlib import Path

import pytest

from hokusai.accounts.choices import Role
from hokusai.accounts.roles import PERMISSIONS, PUBLIC_PERMISSIONS, roles_with

ROOT = Path(__file__).parents[3]
APPS = ("hokusai", "registry", "experiments", "contributions", "deployments")
ASKED = re.compile(
    r"[\"']((?:accounts|core|notify|registry|experiments|contributions|deployments)"
    r"\.(?:view|add|change|manage|use|read|register|request|decide|approve|deploy|predict"
    r"|review|roll|retire|share|archive|download)[a-z_]*)"
    r"[\"']"
)


def test_a_permission_that_nobody_stated_is_held_by_nobody() -> None:
    assert roles_with("registry.delete_model") == frozenset()
    assert roles_with("") == frozenset()


def test_every_role_may_look_at_its_project() -> None:
    assert roles_with("accounts.view_project") == set(Role)


@pytest.mark.parametrize(
    ("permission", "roles"),
    [
        ("registry.register_version", {Role.ENGINEER, Role.OWNER}),
        ("registry.decide_promotion", {Role.REVIEWER, Role.OWNER}),
        ("registry.roll_back", {Role.REVIEWER, Role.OWNER}),
        ("registry.review_scan", {Role.REVIEWER, Role.OWNER}),
        ("registry.retire_version", {Role.REVIEWER, Role.OWNER}),
        ("registry.manage_policy", {Role.OWNER}),
        ("registry.share_model", {Role.OWNER}),
        ("registry.archive_model", {Role.OWNER}),
        ("accounts.manage_members", {Role.OWNER}),
        ("contributions.add_contribution", {Role.CONTRIBUTOR, Role.ENGINEER, Role.OWNER}),
    ],
)
def test_who_may(permission: str, roles: set[Role]) -> None:
    assert roles_with(permission) == roles


def test_whoever_builds_never_sees_what_it_is_measured_by() -> None:
    builders = roles_with("registry.register_version") | roles_with(
        "contributions.add_contribution"
    )
    for permission in ("registry.read_benchmark_rows", "experiments.view_outcomes"):
        assert roles_with(permission)
        assert not roles_with(permission) & builders


def test_viewers_only_look() -> None:
    held = {permission for permission, roles in PERMISSIONS.items() if Role.VIEWER in roles}
    verbs = {permission.split(".")[1].split("_")[0] for permission in held}
    assert verbs <= {"view", "use", "predict", "download"}


def test_the_public_may_only_view_and_only_what_members_may() -> None:
    assert set(PERMISSIONS) >= PUBLIC_PERMISSIONS
    assert all(".view_" in permission for permission in PUBLIC_PERMISSIONS)


def test_every_permission_that_the_code_asks_for_is_stated() -> None:
    asked: set[str] = set()
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            if path.name in {"views.py", "actions.py"} or "admin" in path.parts:
                asked |= set(ASKED.findall(path.read_text()))
    assert asked
    assert asked <= set(PERMISSIONS)
