import zipfile
from pathlib import Path
from typing import Any

import joblib
import mlflow.sklearn
import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from registry.algorithms.archives import ArchiveLimits
from registry.algorithms.identity import IdentityRefused, identity_of

X = np.random.default_rng(7).normal(size=(60, 4))
Y = (X[:, 0] > 0).astype(int)
TREE = "sklearn.tree._tree.Tree"


def saved(folder: Path, model: Any, **options: Any) -> Path:
    options.setdefault("serialization_format", "skops")
    mlflow.sklearn.save_model(
        model, str(folder), pip_requirements=["scikit-learn"], skops_trusted_types=[TREE], **options
    )
    return folder


def test_two_saves_of_one_model_have_one_identity_and_other_bytes(tmp_path: Path) -> None:
    model = LogisticRegression().fit(X, Y)
    first, second = saved(tmp_path / "a", model), saved(tmp_path / "b", model)
    assert (first / "MLmodel").read_bytes() != (second / "MLmodel").read_bytes()
    assert identity_of(first) == identity_of(second)


def test_a_model_that_was_loaded_and_saved_again_keeps_its_identity(tmp_path: Path) -> None:
    first = saved(tmp_path / "a", DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, Y))
    loaded = skops.io.load(first / "model.skops", trusted=[TREE])
    second = saved(tmp_path / "b", loaded)
    assert (first / "model.skops").read_bytes() != (second / "model.skops").read_bytes()
    assert identity_of(first) == identity_of(second)


def test_other_parameters_are_another_identity(tmp_path: Path) -> None:
    first = saved(tmp_path / "a", LogisticRegression().fit(X, Y))
    second = saved(tmp_path / "b", LogisticRegression(C=0.5).fit(X, Y))
    assert identity_of(first) != identity_of(second)


def test_another_signature_is_another_identity(tmp_path: Path) -> None:
    model = LogisticRegression().fit(X, Y)
    stated = mlflow.models.infer_signature(X, Y)
    first, second = saved(tmp_path / "a", model), saved(tmp_path / "b", model, signature=stated)
    assert identity_of(first) != identity_of(second)


def test_joblib_files_of_one_model_have_one_identity(tmp_path: Path) -> None:
    model = DecisionTreeClassifier(random_state=0).fit(X, Y)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        joblib.dump(model, tmp_path / name / "model.joblib")
    assert identity_of(tmp_path / "a") == identity_of(tmp_path / "b")


def test_environments_examples_and_documents_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"weights")
    before = identity_of(folder)
    for name in ("requirements.txt", "conda.yaml", "input_example.json", "README.md", "model.sig"):
        (folder / name).write_text("anything")
    assert identity_of(folder) == before


def test_other_bytes_and_another_path_are_another_identity(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"weights")
    seen = {identity_of(folder)}
    (folder / "model.onnx").write_bytes(b"Weights")
    seen.add(identity_of(folder))
    (folder / "model.onnx").rename(folder / "other.onnx")
    seen.add(identity_of(folder))
    assert len(seen) == 3


def test_the_times_in_an_archive_do_not_count(tmp_path: Path) -> None:
    found = set()
    for year in (1999, 2024):
        folder = tmp_path / str(year)
        folder.mkdir()
        with zipfile.ZipFile(folder / "arrays.npz", "w") as archive:
            archive.writestr(zipfile.ZipInfo("x.npy", (year, 1, 1, 0, 0, 0)), b"array")
        found.add(identity_of(folder))
    assert len(found) == 1


def test_an_mlmodel_that_cannot_be_read_counts_by_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text("a: &x [1]\nb: *x\n")
    first = identity_of(tmp_path)
    (tmp_path / "MLmodel").write_text("a: &x [2]\nb: *x\n")
    assert identity_of(tmp_path) != first


def test_a_zip_bomb_is_refused_by_name(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.skops", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", bytes(2_000_000))
    with pytest.raises(IdentityRefused, match=r"model\.skops.*times its size"):
        identity_of(tmp_path, limits=ArchiveLimits(ratio_from_bytes=1_000_000))


def test_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.bin").symlink_to("/etc/hostname")
    with pytest.raises(IdentityRefused, match="link"):
        identity_of(tmp_path)
