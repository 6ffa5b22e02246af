import zipfile
from pathlib import Path

import pytest

from registry.algorithms.archives import Archive, ArchiveLimits, ArchiveRefused


def packed(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_members_are_read_by_chunks_and_as_a_whole(tmp_path: Path) -> None:
    with Archive(packed(tmp_path / "a.zip", {"x": b"one", "y": b"two"})) as archive:
        assert [member.name for member in archive.members] == ["x", "y"]
        assert b"".join(archive.stream("x")) == b"one"
        assert archive.read("y", 3) == b"two"
        with pytest.raises(ArchiveRefused, match="more than 2 bytes"):
            archive.read("y", 2)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = packed(tmp_path / "bomb.zip", {"x": bytes(2_000_000)})
    with pytest.raises(ArchiveRefused, match="200 times"):
        Archive(path, ArchiveLimits(ratio_from_bytes=1_000_000))


def test_an_archive_larger_than_the_limit_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"x": b"0123456789"})
    with pytest.raises(ArchiveRefused, match="more than 9 bytes"):
        Archive(path, ArchiveLimits(max_total_bytes=9))


def test_more_members_than_allowed_are_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {str(number): b"" for number in range(20)})
    with pytest.raises(ArchiveRefused, match="more than 19 members"):
        Archive(path, ArchiveLimits(max_members=19))
    with pytest.raises(ArchiveRefused, match="more than 1 members"):
        Archive(path, ArchiveLimits(max_members=1))


def test_a_packing_that_cannot_be_bounded_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveRefused, match="unbounded"):
        Archive(packed(tmp_path / "a.zip", {"x": b"x"}, zipfile.ZIP_BZIP2))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", b"1")
        archive.writestr("x", b"2")
    with pytest.raises(ArchiveRefused, match="same name"):
        Archive(path)


def test_a_damaged_member_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"x": b"payload" * 9}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"payload", b"paYload", 1))
    with Archive(path) as archive, pytest.raises(ArchiveRefused, match="cannot be read"):
        archive.read("x", 1_000)


def test_what_is_no_zip_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"nothing of the kind")
    with pytest.raises(ArchiveRefused, match="no readable zip"):
        Archive(tmp_path / "a.zip")
