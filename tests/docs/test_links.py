"""What the pages name exists: files, make targets, commands, variables and routes."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.urls import resolve

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
COMPOSE = (ROOT / "docker" / "compose.yml").read_text(encoding="utf-8")
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
EXAMPLES = {
    "deployments/{id}": f"deployments/dep_{'0' * 32}",
    "{model_id}": "project.model",
    "{prd_id}": f"prd_{'0' * 32}",
    "{pex_id}": f"pex_{'0' * 32}",
    "$BATCH": f"bat_{'0' * 32}",
    "$DEPLOYMENT": f"dep_{'0' * 32}",
    "{id}": "0" * 64,
    "$PROOF": "0" * 64,
    "$FIRST": f"mdv_{'0' * 32}",
    "$BENCHMARK": f"bmk_{'0' * 32}",
}


def _code(text: str) -> str:
    """Fenced and indented blocks, and what stands between backticks."""
    fenced = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    indented = re.findall(r"^ {4}.*$", text, re.MULTILINE)
    return "\n".join([*fenced, *indented, *re.findall(r"`([^`\n]+)`", text)])


@pytest.mark.parametrize("document", PAGES, ids=IDS)
def test_every_relative_link_leads_to_a_file(document: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8"))
    missing = [
        link
        for link in links
        if not re.match(r"[a-z]+:|#", link)
        and not (document.parent / link.partition("#")[0]).resolve().exists()
    ]
    assert missing == []


@pytest.mark.parametrize("document", PAGES, ids=IDS)
def test_every_make_target_exists(document: Path) -> None:
    targets = set(re.findall(r"\bmake ([a-z]+)\b", _code(document.read_text(encoding="utf-8"))))
    assert not targets - set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))


@pytest.mark.parametrize("document", PAGES, ids=IDS)
def test_every_management_command_exists(document: Path) -> None:
    commands = set(re.findall(r"manage\.py ([a-z_]+)", document.read_text(encoding="utf-8")))
    assert not commands - get_commands().keys()


@pytest.mark.parametrize("document", PAGES, ids=IDS)
def test_every_file_of_the_project_that_a_command_runs_exists(document: Path) -> None:
    code = _code(document.read_text(encoding="utf-8"))
    named = set(re.findall(r"(?<![.\w/])(?:docker|docs|hokusai|requirements)/[\w/.-]+\.\w+", code))
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("document", PAGES, ids=IDS)
def test_every_route_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    paths = re.findall(r'"\$BASE(/[^"?]*)', text)
    paths += [path.removeprefix("/api/v1") for path in re.findall(r"/api/v1/[\w/{}-]+", text)]
    for path in paths:
        for name, value in EXAMPLES.items():
            path = path.replace(name, value)  # noqa: PLW2901
        assert resolve(f"/api/v1{path}").url_name, path


@pytest.mark.parametrize("document", PAGES, ids=IDS)
def test_every_service_that_is_addressed_exists(document: Path) -> None:
    code = _code(document.read_text(encoding="utf-8"))
    named = set(re.findall(r"compose\.yml (?:run --rm|logs|exec) (\w+)", code))
    assert all(re.search(rf"^  {name}:$", COMPOSE, re.MULTILINE) for name in named)


def test_the_ports_in_the_pages_are_those_of_the_code() -> None:
    from hokusai.embedded import stack  # noqa: PLC0415

    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| (\d+) \|", text, re.MULTILINE)
    servers = (stack.MLFLOW_PORT, stack.POSTGRES_PORT, stack.REDIS_PORT)
    ports = (stack.WEB_PORT, stack.STORE_PORT, *servers)
    assert table == [str(port) for port in ports]


def test_the_story_is_told_in_the_steps_of_the_demo() -> None:
    from hokusai.demo import proof, story  # noqa: PLC0415

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    steps = [*story.telling_order(), *proof.telling_order()]
    assert len(re.findall(r"^\d+\. ", text, re.MULTILINE)) == len(steps)
