from pathlib import Path

import pytest

from registry.algorithms.requirements import (
    Requirements,
    parse_conda,
    parse_requirements,
    read_requirements,
    resolvable,
)

PYTHON = "3.11.7"
CONDA = """
channels: [conda-forge]
dependencies:
- python=3.11.4
- pip<=23.2.1
- numpy=2.4
- conda-forge::scipy>=1.17
- pip:
  - mlflow==3.17.2
  - skops
name: mlflow-env
"""


def test_requirements_become_names_specifiers_and_markers() -> None:
    text = "NumPy>=2,<3  # arrays\n\nscikit_learn==1.9.1 \\\n  --hash=sha256:00\n"
    text += "tomli; python_version<'3.11'\n"
    assert parse_requirements(text).as_list() == [
        {"name": "numpy", "specifier": "<3,>=2", "marker": ""},
        {"name": "scikit-learn", "specifier": "==1.9.1", "marker": ""},
        {"name": "tomli", "specifier": "", "marker": 'python_version < "3.11"'},
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("-r other.txt", "option"),
        ("--index-url https://packages.example", "option"),
        ("-e .", "option"),
        ("git+https://host.example/x.git", "a place"),
        ("./wheels/x.whl", "local path"),
        ("/tmp/x", "local path"),
        ("two words", "two words"),
    ],
)
def test_lines_that_are_no_requirement_are_reported(line: str, reason: str) -> None:
    parsed = parse_requirements(line)
    assert parsed.items == ()
    assert reason in parsed.unparsed[0]
    assert resolvable(parsed, python=PYTHON)


def test_a_requirement_from_a_place_is_not_resolvable() -> None:
    parsed = parse_requirements("x @ https://host.example/x.whl")
    assert parsed.as_list()[0]["url"] == "https://host.example/x.whl"
    assert resolvable(parsed, python=PYTHON) == [
        "x: is fetched from https://host.example/x.whl, not from an index"
    ]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("a==1\na==2", 1),
        ("a>=2,<1", 1),
        ("a>=1\na<2\nA!=1.5", 0),
        ("a==1; python_version<'3.9'\na==2; python_version>='3.9'", 0),
    ],
)
def test_contradictions_are_named(text: str, problems: int) -> None:
    assert len(resolvable(parse_requirements(text), python=PYTHON)) == problems


def test_requirements_are_kept_as_a_list_and_read_back() -> None:
    found = Requirements(parse_conda(CONDA).items, ("./x.whl: a local path",), "==3.10.*")
    listed = found.as_list()
    assert listed[0] == {"name": "python", "specifier": "==3.10.*", "marker": ""}
    assert listed[-1] == {"unparsed": "./x.whl: a local path"}
    again = Requirements.from_list(listed)
    assert set(again.items) == set(found.items)
    assert (again.unparsed, again.python) == (found.unparsed, found.python)
    assert resolvable(again, python=PYTHON) == resolvable(found, python=PYTHON) != []


def test_a_conda_environment_states_python_and_packages() -> None:
    parsed = parse_conda(CONDA)
    assert parsed.python == "==3.11.4.*"
    assert [(item.name, item.specifier) for item in parsed.items] == [
        ("mlflow", "==3.17.2"),
        ("skops", ""),
        ("numpy", "==2.4.*"),
        ("scipy", ">=1.17"),
    ]


@pytest.mark.parametrize(
    ("stated", "fits"),
    [
        ("==3.11.4", True),
        ("==3.11.*", True),
        ("==3.10.2", False),
        (">=3.9", True),
        ("<3.11", False),
    ],
)
def test_another_minor_version_of_python_is_a_problem(stated: str, fits: bool) -> None:
    assert (resolvable(Requirements(python=stated), python=PYTHON) == []) is fits


def test_the_folder_prefers_requirements_and_takes_python_from_conda(tmp_path: Path) -> None:
    (tmp_path / "conda.yaml").write_text(CONDA)
    assert len(read_requirements(tmp_path).items) == 4
    (tmp_path / "requirements.txt").write_text("numpy==2.4.6\n")
    found = read_requirements(tmp_path)
    assert ([item.name for item in found.items], found.python) == (["numpy"], "==3.11.4.*")


@pytest.mark.parametrize("text", ["- list", "a: &x 1\nb: *x", "dependencies: text"])
def test_a_conda_file_that_cannot_be_read_is_reported(text: str) -> None:
    assert "conda.yaml" in parse_conda(text).unparsed[0]


def test_a_file_that_is_no_text_or_too_large_is_reported(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_bytes(b"\xff\xfe")
    assert "no UTF-8" in read_requirements(tmp_path).unparsed[0]
    (tmp_path / "requirements.txt").write_bytes(b"#" * (1024 * 1024 + 1))
    assert "larger" in read_requirements(tmp_path).unparsed[0]


def test_an_artifact_without_either_file_requires_nothing(tmp_path: Path) -> None:
    assert read_requirements(tmp_path) == Requirements()
