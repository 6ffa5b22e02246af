import hashlib
import os
import unicodedata
from pathlib import Path

import pytest

from hokusai.storage.trees import (
    CHUNK,
    TreeRefused,
    check_path,
    file_digest,
    files_of,
    manifest_of,
)

ONE = hashlib.sha256(b"1").hexdigest()


def write(folder: Path, *names: str | bytes) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        path = os.path.join(os.fsencode(folder), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(os.fsdecode(path)).write_bytes(b"1")
    return folder


def test_the_digest_is_that_of_exactly_these_bytes(tmp_path: Path) -> None:
    manifest = manifest_of(write(tmp_path / "tree", "b", "a/c"))
    assert manifest.content == (
        b'{"files":[{"path":"a/c","sha256":"%b","size":1},{"path":"b","sha256":"%b","size":1}]}'
        % (ONE.encode(), ONE.encode())
    )
    assert manifest.digest == hashlib.sha256(manifest.content).hexdigest()


def test_files_are_sorted_by_the_bytes_of_their_paths(tmp_path: Path) -> None:
    names = ["Z", "a.b", "a-b", "a/b", "é", "😀", "\uffee"]
    manifest = manifest_of(write(tmp_path / "tree", *names))
    assert [file.path for file in manifest.files] == sorted(names, key=str.encode)


def test_time_and_rights_do_not_change_the_digest(tmp_path: Path) -> None:
    first, second = (write(tmp_path / name, "x", "y/z") for name in ("one", "two"))
    os.utime(second / "x", (0, 0))
    (second / "x").chmod(0o600)
    (second / "empty").mkdir()
    assert manifest_of(first).digest == manifest_of(second).digest


def test_name_and_content_change_the_digest(tmp_path: Path) -> None:
    plain = manifest_of(write(tmp_path / "plain", "x")).digest
    renamed = manifest_of(write(tmp_path / "renamed", "y")).digest
    (write(tmp_path / "changed", "x") / "x").write_bytes(b"2")
    assert len({plain, renamed, manifest_of(tmp_path / "changed").digest}) == 3


def test_one_name_in_two_normal_forms_has_one_digest(tmp_path: Path) -> None:
    digests = {
        manifest_of(write(tmp_path / form, unicodedata.normalize(form, "modèle"))).digest
        for form in ("NFC", "NFD")
    }
    assert len(digests) == 1


@pytest.mark.parametrize(
    "names",
    [("Model", "model"), ("data/x", "DATA/x"), ("è", "e\u0300"), ("straße", "STRASSE")],
    ids=["case", "folder", "normal form", "folding"],
)
def test_paths_that_are_one_on_some_machines_are_refused(
    names: tuple[str, str], tmp_path: Path
) -> None:
    with pytest.raises(TreeRefused, match="one path"):
        manifest_of(write(tmp_path / "tree", *names))


def test_links_to_files_and_folders_are_refused(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", "secret")
    for number, target in enumerate((outside / "secret", outside, tmp_path / "dangling")):
        folder = write(tmp_path / f"tree{number}", "x")
        (folder / "link").symlink_to(target)
        with pytest.raises(TreeRefused, match="link"):
            manifest_of(folder)


def test_what_is_no_ordinary_file_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "tree", "x")
    os.mkfifo(folder / "pipe")
    with pytest.raises(TreeRefused, match="ordinary"):
        manifest_of(folder)


def test_a_name_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TreeRefused, match="UTF-8"):
        manifest_of(write(tmp_path / "tree", b"model\xff"))


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tree" / "empty").mkdir(parents=True)
    with pytest.raises(TreeRefused, match="no file"):
        manifest_of(tmp_path / "tree")


@pytest.mark.parametrize("path", ["../x", "a/../x", "/etc/passwd", "", "a\0b", ".."])
def test_paths_that_leave_the_tree_are_refused(path: str) -> None:
    with pytest.raises(TreeRefused):
        check_path(path)


@pytest.mark.parametrize("path", ["a", "a/b.c", "..a", "a..b/c"])
def test_paths_inside_the_tree_are_kept(path: str) -> None:
    assert check_path(path) == path


def test_a_file_larger_than_a_chunk_is_read_whole(tmp_path: Path) -> None:
    content = bytes(CHUNK) + b"end"
    (tmp_path / "large").write_bytes(content)
    assert file_digest(tmp_path / "large") == hashlib.sha256(content).hexdigest()


def test_each_file_is_found_where_it_lies(tmp_path: Path) -> None:
    folder = write(tmp_path / "tree", unicodedata.normalize("NFD", "é"), "a/b")
    found = dict(files_of(folder))
    assert set(found) == {unicodedata.normalize("NFC", "é"), "a/b"}
    assert all(path.read_bytes() == b"1" for path in found.values())
