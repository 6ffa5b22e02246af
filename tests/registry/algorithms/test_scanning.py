"""Hostile files are made here and never loaded."""

import io
import json
import os
import pickle
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import joblib
import mlflow.sklearn
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from registry.algorithms.scanning import ScanLimits, ScanReport, scan

X = np.random.default_rng(7).normal(size=(60, 4))
Y = (X[:, 0] > 0).astype(int)


class Hostile:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("true",)


def kinds(report: ScanReport, severity: str = "") -> set[str]:
    return {found.kind for found in report.findings if severity in ("", found.severity)}


def scanned(folder: Path, name: str, content: bytes) -> ScanReport:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return scan(folder)


def zipped(members: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


@pytest.fixture
def tree_folder(tmp_path: Path) -> Path:
    model = DecisionTreeClassifier(max_depth=4, random_state=0).fit(X, Y)
    mlflow.sklearn.save_model(
        model,
        str(tmp_path / "tree"),
        serialization_format="skops",
        pip_requirements=["scikit-learn"],
        skops_trusted_types=["sklearn.tree._tree.Tree"],
    )
    return tmp_path / "tree"


def test_an_honest_skops_model_is_clean(tree_folder: Path) -> None:
    report = scan(tree_folder)
    assert report.verdict == "clean"
    assert kinds(report) == {"mlmodel-trust"}
    assert report.versions["picklescan"]
    assert report.file_count == 5


def test_an_honest_onnx_model_is_clean(tmp_path: Path) -> None:
    assert scanned(tmp_path, "model.onnx", linear().SerializeToString()).verdict == "clean"


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", ["model.pkl", "weights.bin", "notes.txt"])
def test_a_hostile_pickle_is_found_whatever_its_name(
    tmp_path: Path, name: str, protocol: int
) -> None:
    report = scanned(tmp_path, name, pickle.dumps(Hostile(), protocol))
    assert report.verdict == "dangerous"
    assert any("system" in found.detail for found in report.findings)


@pytest.mark.parametrize(
    "pack",
    [
        lambda content: zipped({"archive/data.pkl": content}),
        lambda content: zipped({"archive/innocent": content}),
        zlib.compress,
        lambda content: zlib.compress(content)[:-3],
        lambda content: zlib.compress(content[:9]) + zlib.compress(content[9:]),
    ],
)
def test_a_packed_hostile_pickle_is_found(tmp_path: Path, pack: Any) -> None:
    report = scanned(tmp_path, "model.joblib", pack(pickle.dumps(Hostile())))
    assert "pickle-global" in kinds(report, "dangerous")


def test_a_hostile_pickle_in_a_tar_file_is_found(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "model.tar", "w") as archive:
        content = pickle.dumps(Hostile())
        info = tarfile.TarInfo("../data.pkl")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    assert {"pickle-global", "archive-path"} <= kinds(scan(tmp_path), "dangerous")


def test_a_hostile_pickle_in_an_array_is_found(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([Hostile()], dtype=object), allow_pickle=True)
    assert "pickle-global" in kinds(scan(tmp_path), "dangerous")


def test_a_second_pickle_after_an_honest_one_is_found(tmp_path: Path) -> None:
    report = scanned(tmp_path, "model.pkl", pickle.dumps([1]) + pickle.dumps(Hostile()))
    assert report.verdict == "dangerous"


def test_an_honest_joblib_model_is_suspicious_as_every_pickle(tmp_path: Path) -> None:
    joblib.dump(LogisticRegression().fit(X, Y), tmp_path / "model.joblib")
    assert scan(tmp_path).verdict == "suspicious"


def test_a_pickle_that_breaks_off_is_no_pass(tmp_path: Path) -> None:
    report = scanned(tmp_path, "model.pkl", pickle.dumps(list(range(50)))[:-20])
    assert "pickle-broken" in kinds(report)


def test_a_pickle_with_too_many_opcodes_is_no_pass(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(list(range(1_000))))
    report = scan(tmp_path, limits=ScanLimits(max_opcodes=100))
    assert "unreadable" in kinds(report, "suspicious")


def test_a_pickle_that_is_too_large_is_no_pass(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(bytes(1_000)))
    report = scan(tmp_path, limits=ScanLimits(max_pickle_bytes=100))
    assert "unreadable" in kinds(report, "suspicious")


@pytest.mark.parametrize(
    "content",
    [
        b"S'" + b"x" * 5_000 + b"'\n0cos\nsystem\n(S'true'\ntR.",
        b"T\x00\x20\x00\x00" + b"x" * 0x2000 + b"0cos\nsystem\n(S'true'\ntR.",
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_call_behind_more_than_is_read_is_no_pass(
    tmp_path: Path, content: bytes, packed: bool
) -> None:
    name = "weights.zip" if packed else "weights.bin"
    (tmp_path / name).write_bytes(zipped({"w": content}) if packed else content)
    report = scan(tmp_path, limits=ScanLimits(max_pickle_bytes=1_000))
    assert "unreadable" in kinds(report, "suspicious")
    assert scan(tmp_path).verdict == "dangerous"


def test_a_large_file_that_is_no_pickle_is_clean(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("city,country\n" + "Paris,France\nOslo,Norway\n" * 900)
    assert scan(tmp_path, limits=ScanLimits(max_pickle_bytes=1_000)).verdict == "clean"


def rewritten(path: Path, change: Any) -> None:
    """Write the skops file again, with each member changed."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    path.write_bytes(zipped({name: change(name, content) for name, content in members.items()}))


def nodes_changed(field: str, value: int) -> Any:
    def change(name: str, content: bytes) -> bytes:
        if not name.endswith(".npy"):
            return content
        array = np.load(io.BytesIO(content))
        if "left_child" not in (array.dtype.names or ()):
            return content
        array[field][0] = value
        data = io.BytesIO()
        np.save(data, array)
        return data.getvalue()

    return change


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("left_child", 1_000_000),
        ("right_child", 0),
        ("left_child", -7),
        ("right_child", -1),
        ("feature", 4),
        ("feature", -3),
    ],
)
def test_a_tree_with_a_bad_index_is_dangerous(tree_folder: Path, field: str, value: int) -> None:
    rewritten(tree_folder / "model.skops", nodes_changed(field, value))
    assert "tree-index" in kinds(scan(tree_folder), "dangerous")


def schema_changed(old: bytes, new: bytes) -> Any:
    return lambda name, content: content.replace(old, new) if name == "schema.json" else content


@pytest.mark.parametrize(
    ("old", "new", "kind", "severity"),
    [
        (b'"sklearn.tree._classes"', b'"os"', "skops-type", "dangerous"),
        (b'"sklearn.tree._classes"', b'"their_package.x"', "skops-type", "suspicious"),
        (b'"TreeNode"', b'"EvilNode"', "skops-loader", "suspicious"),
        (b'.npy",', b'.gone",', "skops-member", "suspicious"),
        (b"{", b"", "unreadable", "suspicious"),
    ],
)
def test_a_schema_that_asks_for_more_is_found(
    tree_folder: Path, old: bytes, new: bytes, kind: str, severity: str
) -> None:
    rewritten(tree_folder / "model.skops", schema_changed(old, new))
    assert kind in kinds(scan(tree_folder), severity)


def test_builtins_that_run_code_are_dangerous(tmp_path: Path) -> None:
    schema = {"__class__": "eval", "__module__": "builtins", "__loader__": "FunctionNode"}
    report = scanned(tmp_path, "m.skops", zipped({"schema.json": json.dumps(schema).encode()}))
    assert "skops-type" in kinds(report, "dangerous")


def test_a_skops_file_that_is_no_archive_is_no_pass(tmp_path: Path) -> None:
    assert "unreadable" in kinds(scanned(tmp_path, "m.skops", b"text"))
    assert "unreadable" in kinds(scanned(tmp_path, "m.skops", zipped({"x": b"1"})))


def test_an_array_that_declares_more_than_it_holds_is_dangerous(tmp_path: Path) -> None:
    data = io.BytesIO()
    np.save(data, np.zeros(1_000))
    assert "array-size" in kinds(scanned(tmp_path, "x.npy", data.getvalue()[:300]), "dangerous")


def test_a_small_zip_bomb_is_dangerous(tmp_path: Path) -> None:
    report = scanned(tmp_path, "arrays.npz", zipped({"x.npy": bytes(20 * 1024**2)}))
    assert "archive" in kinds(report, "dangerous")


def linear(domain: str = "", initializers: Any = ()) -> onnx.ModelProto:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Identity", ["X"], ["Z"], domain=domain)],
        "g",
        [value("X", TensorProto.FLOAT, [None, 4])],
        [value("Z", TensorProto.FLOAT, [None, 4])],
        list(initializers),
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])


def allocating() -> onnx.ModelProto:
    """A few bytes that ask a session for 2.4 GiB."""
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("ConstantOfShape", ["s"], ["Z"])],
        "g",
        [],
        [value("Z", TensorProto.FLOAT, [None])],
        [helper.make_tensor("s", TensorProto.INT64, [1], [640_000_000])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])


def test_a_tiny_onnx_file_that_allocates_gigabytes_is_dangerous(tmp_path: Path) -> None:
    content = allocating().SerializeToString()
    assert len(content) <= 134
    assert "onnx-size" in kinds(scanned(tmp_path, "model.onnx", content), "dangerous")


def test_the_file_that_the_description_calls_onnx_is_read_as_such(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text("flavors:\n  onnx:\n    data: weights.bin\n")
    report = scanned(tmp_path, "weights.bin", allocating().SerializeToString())
    assert "onnx-size" in kinds(report, "dangerous")


def test_a_tensor_that_declares_more_than_the_file_holds_is_dangerous(tmp_path: Path) -> None:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1 << 40])
    report = scanned(tmp_path, "model.onnx", linear(initializers=[tensor]).SerializeToString())
    assert "onnx-size" in kinds(report, "dangerous")


def external(location: str, **more: str) -> TensorProto:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **more}.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


@pytest.mark.parametrize(
    "location", ["../../etc/passwd", "/etc/passwd", "C:\\secret", "a\\..\\..\\b", "", "x/../../y"]
)
def test_external_data_outside_the_folder_are_dangerous(tmp_path: Path, location: str) -> None:
    model = linear(initializers=[external(location)])
    report = scanned(tmp_path, "model.onnx", model.SerializeToString())
    assert "onnx-external-data" in kinds(report, "dangerous")


def test_external_data_in_the_folder_are_read_within_their_file(tmp_path: Path) -> None:
    (tmp_path / "w.data").write_bytes(bytes(8))
    honest = linear(initializers=[external("w.data", offset="4", length="4")])
    assert scanned(tmp_path, "model.onnx", honest.SerializeToString()).verdict == "clean"
    beyond = linear(initializers=[external("w.data", offset="4", length="5")])
    report = scanned(tmp_path, "model.onnx", beyond.SerializeToString())
    assert "onnx-external-data" in kinds(report, "dangerous")
    missing = linear(initializers=[external("other.data")])
    report = scanned(tmp_path, "model.onnx", missing.SerializeToString())
    assert "onnx-external-data" in kinds(report, "suspicious")


def test_an_operator_from_elsewhere_is_suspicious(tmp_path: Path) -> None:
    report = scanned(tmp_path, "model.onnx", linear("their.ops").SerializeToString())
    assert "onnx-operator" in kinds(report, "suspicious")


@pytest.mark.parametrize("content", [b"", b"\xff" * 40, b"\x3a\x05ab"])
def test_an_onnx_file_that_cannot_be_parsed_is_no_pass(tmp_path: Path, content: bytes) -> None:
    assert "unreadable" in kinds(scanned(tmp_path, "model.onnx", content), "suspicious")


def test_an_onnx_file_of_too_many_fields_is_not_parsed(tmp_path: Path) -> None:
    graph = b"\x0a\x00" * 5_000
    (tmp_path / "model.onnx").write_bytes(b"\x3a\x90\x4e" + graph)
    report = scan(tmp_path, limits=ScanLimits(max_onnx_fields=1_000))
    assert any("more fields" in found.detail for found in report.findings)


@pytest.mark.parametrize(
    ("text", "kind", "severity"),
    [
        ("flavors:\n  python_function:\n    loader_module: theirs\n", "mlmodel-code", "suspicious"),
        (
            "flavors:\n  python_function:\n    python_model: p.pkl\n",
            "mlmodel-code",
            "suspicious",
        ),
        ("flavors:\n  python_function:\n    code: code\n", "mlmodel-code", "suspicious"),
        (
            "flavors:\n  sklearn:\n    serialization_format: cloudpickle\n",
            "mlmodel-pickle",
            "suspicious",
        ),
        ("flavors:\n  sklearn:\n    pickled_model: ../../x.pkl\n", "mlmodel-path", "dangerous"),
        ("flavors:\n  onnx:\n    data: /etc/passwd\n", "mlmodel-path", "dangerous"),
        ("flavors: []\n", "unreadable", "suspicious"),
        ("a: &x [1]\nb: *x\n", "unreadable", "suspicious"),
    ],
)
def test_what_a_description_makes_a_loader_do_is_found(
    tmp_path: Path, text: str, kind: str, severity: str
) -> None:
    assert kind in kinds(scanned(tmp_path, "MLmodel", text.encode()), severity)


@pytest.mark.parametrize(
    ("name", "content", "kind", "severity"),
    [
        ("lib/x", b"\x7fELF" + bytes(60), "native-code", "dangerous"),
        ("x.bin", b"MZ" + bytes(100) + b"PE\x00\x00", "native-code", "dangerous"),
        ("setup", b"#!/bin/sh\n", "script", "suspicious"),
        ("code/model.py", b"import os\n", "code", "suspicious"),
        ("model.h5", b'x{"class_name": "Lambda"}', "framework-code", "suspicious"),
        ("saved_model.pb", b"..ReadFile..", "framework-code", "suspicious"),
        ("model.pkl", b"\x04\x22\x4d\x18rest", "unreadable", "suspicious"),
        ("data.7z", b"7z\xbc\xaf\x27\x1crest", "unreadable", "suspicious"),
        ("x.zip", zipped({"../out": b"1"}), "archive-path", "dangerous"),
    ],
)
def test_what_runs_or_leaves_is_found(
    tmp_path: Path, name: str, content: bytes, kind: str, severity: str
) -> None:
    assert kind in kinds(scanned(tmp_path, name, content), severity)


def test_a_link_is_dangerous(tmp_path: Path) -> None:
    (tmp_path / "model.bin").symlink_to("/etc/hostname")
    assert "link" in kinds(scan(tmp_path), "dangerous")


def test_an_empty_folder_is_no_pass(tmp_path: Path) -> None:
    assert scan(tmp_path).verdict == "suspicious"


def test_a_scan_that_runs_out_of_time_is_no_pass(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("text")
    report = scan(tmp_path, limits=ScanLimits(max_seconds=-1.0))
    assert "unreadable" in kinds(report, "suspicious")


@pytest.mark.parametrize("seed", range(8))
def test_random_bytes_of_every_kind_never_end_a_scan(tmp_path: Path, seed: int) -> None:
    noise = np.random.default_rng(seed).bytes(3_000)
    heads = [b"\x80\x04", b"\x93NUMPY\x01\x00", b"PK\x03\x04", b"\x78\x9c", b"BZh9", b"\x08\x08:"]
    names = ["a.pkl", "a.npy", "a.zip", "a.joblib", "a.dat", "a.onnx"]
    for name, head in zip(names, heads, strict=True):
        (tmp_path / name).write_bytes(head + noise)
    (tmp_path / "short.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", 5) + b"{'a':")
    report = scan(tmp_path)
    assert {found.path for found in report.findings} >= {"a.pkl", "a.zip", "a.onnx", "a.npy"}
    json.dumps(report.as_dict())
