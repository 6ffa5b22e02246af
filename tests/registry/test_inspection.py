import pickle
from pathlib import Path

import pytest

from hokusai.storage.trees import TreeRefused
from registry.exceptions import ArtifactRefused
from registry.inspection import inspect
from tests.registry.conftest import MLMODEL


class Hostile:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os  # noqa: PLC0415

        return os.system, ("true",)


def written(folder: Path, **files: bytes | str) -> Path:
    for name, content in {"MLmodel": MLMODEL, **files}.items():
        data = content.encode() if isinstance(content, str) else content
        (folder / name.replace("__", ".")).write_bytes(data)
    return folder


def test_everything_that_the_files_state_is_read(tmp_path: Path) -> None:
    seen = inspect(
        written(
            tmp_path,
            requirements__txt="scikit-learn==1.9.1\nnumpy>=2\n",
            input_example__json='{"columns": ["x"], "data": [[1.0]]}',
            README__md="---\nlicense: mit\n---\n# Digits\n",
            model__bin="weights",
        )
    )
    assert seen.description.flavor == "sklearn"
    assert [row["name"] for row in seen.requirements] == ["numpy", "scikit-learn"]
    assert seen.input_example == {"columns": ["x"], "data": [[1.0]]}
    assert seen.card.endswith("# Digits\n")
    assert seen.scan.verdict == "clean"
    assert len(seen.identity) == 64


def test_a_pickle_that_calls_out_is_dangerous_and_never_loaded(tmp_path: Path) -> None:
    seen = inspect(written(tmp_path, model__pkl=pickle.dumps(Hostile())))
    assert seen.scan.verdict == "dangerous"
    assert any(finding.path == "model.pkl" for finding in seen.scan.findings)


@pytest.mark.parametrize("content", ["{", "x" * 70_000])
def test_an_example_that_cannot_be_shown_is_left_out(tmp_path: Path, content: str) -> None:
    assert inspect(written(tmp_path, input_example__json=content)).input_example is None


def test_a_readme_that_is_no_card_is_left_out(tmp_path: Path) -> None:
    assert inspect(written(tmp_path, README__md="---\n- a\n---\n")).card == ""


def test_a_link_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "link").symlink_to("/etc/hostname")
    with pytest.raises(TreeRefused):
        inspect(tmp_path)


@pytest.mark.parametrize(
    ("name", "flavor"),
    [("model.onnx", "onnx"), ("m.skops", "skops"), ("config.json", "transformers")],
)
def test_a_format_is_known_by_its_file_where_no_mlmodel_states_it(
    tmp_path: Path, name: str, flavor: str
) -> None:
    (tmp_path / name).write_text("{}")
    assert inspect(tmp_path).description.flavor == flavor


def test_files_of_no_known_format_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("text")
    with pytest.raises(ArtifactRefused, match="no MLmodel"):
        inspect(tmp_path)
