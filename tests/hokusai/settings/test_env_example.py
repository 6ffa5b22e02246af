"""`.env.example` names every variable that the settings read, says what it is, and its default."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SETTINGS = ROOT / "hokusai" / "settings"
# Read by the suite alone.
NOT_FOR_PEOPLE = {"test.py"}
DIFFERENT = {"local.py", "production.py"}
# Read by the embedded run, in hokusai/embedded/environment.py.
EMBEDDED = {"DATABASE_OWNER_URL"}
LINES = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
ENTRY = re.compile(r"#?([A-Z][A-Z0-9_]+)=(.*)")
SHOWN = {m[1]: m[2] for line in LINES if (m := ENTRY.fullmatch(line))}


def _read() -> dict[str, list[ast.Call]]:
    """Every `env.<type>("NAME", default=…)` of the settings."""
    found: dict[str, list[ast.Call]] = {}
    # What all share comes before what an environment says differently.
    paths = sorted(SETTINGS.glob("*.py"), key=lambda path: (path.name in DIFFERENT, path.name))
    for path in paths:
        if path.name in NOT_FOR_PEOPLE:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            caller = node.func.value
            if isinstance(caller, ast.Name) and caller.id == "env" and node.args:
                name = node.args[0]
                if isinstance(name, ast.Constant):
                    found.setdefault(str(name.value), []).append(node)
    return found


READ = _read()
FIXED = {
    name: str(default.value)
    for name, calls in READ.items()
    for keyword in calls[0].keywords
    if keyword.arg == "default" and isinstance(default := keyword.value, ast.Constant)
}


def test_the_settings_are_understood() -> None:
    assert {"SECRET_KEY", "DATABASE_URL", "SECURE_HSTS_SECONDS", "DEBUG"} <= READ.keys()


def test_settings_are_read_in_one_way_only() -> None:
    for path in SETTINGS.glob("*.py"):
        if path.name not in NOT_FOR_PEOPLE:
            assert "os.environ" not in path.read_text(encoding="utf-8"), path.name


def test_no_variable_is_missing() -> None:
    assert sorted(READ.keys() - SHOWN.keys()) == []


def test_no_variable_is_left_over() -> None:
    assert sorted(SHOWN.keys() - READ.keys() - EMBEDDED) == []


def test_each_variable_is_shown_once() -> None:
    names = [m[1] for line in LINES if (m := ENTRY.fullmatch(line))]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_each_variable_has_a_comment_above_it(name: str) -> None:
    index = next(i for i, line in enumerate(LINES) if re.fullmatch(rf"#?{name}=.*", line))
    assert re.match(r"# \S", LINES[index - 1])


@pytest.mark.parametrize("name", sorted(FIXED.keys() & SHOWN.keys()))
def test_the_value_shown_is_the_default(name: str) -> None:
    assert SHOWN[name].lower() == FIXED[name].lower()


def test_a_copy_changes_nothing() -> None:
    assert [line for line in LINES if line and not line.startswith("#")] == []
