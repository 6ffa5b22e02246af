"""export_version and verify_export, one after the other."""

import json
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.management import CommandError, call_command
from pytest_django import Settings

from hokusai.core import jobs
from hokusai.core.events import SYSTEM
from hokusai.core.models import Event
from registry.models import ModelVersion
from registry.services.signatures import add_signature
from tests.registry.test_signing import (  # noqa: F401 - fixtures
    PARTNER,
    public,
    signed_by,
    signer,
    version,
)

pytestmark = pytest.mark.django_db


def told(*arguments: object) -> str:
    answer = call_command(*map(str, arguments), stdout=StringIO())
    assert isinstance(answer, str)
    return answer


@pytest.fixture
def exported(version: ModelVersion, tmp_path: Path) -> Path:  # noqa: F811
    """A signed version, exported."""
    job = jobs.enqueue("artifact_signature", subject=version.public_id, project_id=None)
    jobs.run(job.pk)
    folder = tmp_path / "export"
    told("export_version", version.model.model_id, version.number, folder)
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(CommandError) as error:
        told("verify_export", folder)
    return str(error.value)


def test_an_export_holds_everything_and_verifies(
    exported: Path,
    version: ModelVersion,  # noqa: F811
) -> None:
    assert {path.name for path in exported.iterdir()} == {
        "files",
        "model.sig",
        "README.md",
        "manifest.json",
    }
    assert json.loads((exported / "manifest.json").read_text())["version_id"] == version.public_id
    assert "## Intended use" in (exported / "README.md").read_text()
    answer = told("verify_export", exported)
    assert f"Verified {version}: 3 files, tree {version.tree_digest}" in answer
    assert Event.objects.filter(tag="version:exported").count() == 1


def test_an_export_verifies_elsewhere_with_the_key_alone(
    exported: Path, settings: Settings, tmp_path: Path, django_assert_num_queries
) -> None:
    settings.MODEL_SIGNING_PUBLIC_KEY_FILE = ""
    settings.MODEL_SIGNING_TRUSTED_KEYS = {}
    assert "No key is known" in refusal(exported)
    moved = tmp_path / "elsewhere"
    shutil.move(exported, moved)
    with django_assert_num_queries(0):
        assert "Verified" in told("verify_export", moved, "--key", tmp_path / "key.pub")


def test_another_key_verifies_nothing(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "other.pub").write_text(public(ec.generate_private_key(ec.SECP256R1())))
    with pytest.raises(CommandError, match=r"model\.sig: .*not known"):
        told("verify_export", exported, "--key", tmp_path / "other.pub")
    (tmp_path / "other.pub").write_text("nothing")
    with pytest.raises(CommandError, match="no public key"):
        told("verify_export", exported, "--key", tmp_path / "other.pub")


def test_a_flipped_byte_is_named(exported: Path) -> None:
    place = exported / "files" / "data" / "model.bin"
    content = bytearray(place.read_bytes())
    content[3] ^= 1
    place.write_bytes(bytes(content))
    assert refusal(exported).endswith("1 problems\n  changed: data/model.bin")


def test_every_file_that_came_went_or_moved_is_named(exported: Path) -> None:
    files = exported / "files"
    (files / "added.txt").write_text("new")
    (files / "data" / "model.bin").rename(files / "moved.bin")
    (files / ".gitattributes").unlink()
    (exported / "beside").mkdir()
    (files / "link").symlink_to("/etc/hostname")
    said = refusal(exported)
    for line in (
        "added: added.txt",
        "renamed: data/model.bin -> moved.bin",
        "removed: .gitattributes",
        "added: beside",
        "link: link",
    ):
        assert f"  {line}" in said


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("README.md", "removed: README.md"),
        ("manifest.json", "manifest.json: it is missing"),
        ("model.sig", "model.sig: it is missing"),
        ("files/MLmodel", "removed: MLmodel"),
    ],
)
def test_a_part_that_is_missing_is_named(exported: Path, name: str, line: str) -> None:
    (exported / name).unlink()
    assert line in refusal(exported)


def test_a_changed_card_is_named(exported: Path) -> None:
    (exported / "README.md").write_text("other")
    assert "changed: README.md" in refusal(exported)


@pytest.mark.parametrize(
    ("key", "value"), [("tree_digest", "0" * 64), ("files", []), ("format", "other")]
)
def test_a_manifest_that_says_something_else_is_named(
    exported: Path, key: str, value: object
) -> None:
    place = exported / "manifest.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | {key: value}))
    assert "manifest.json" in refusal(exported)


def test_a_third_partys_signature_goes_along(
    version: ModelVersion,  # noqa: F811
    tmp_path: Path,
    exported: Path,
) -> None:
    bundle = signed_by(PARTNER, tmp_path / "files", tmp_path)
    add_signature(version_id=version.pk, bundle=bundle, actor=SYSTEM)
    again = tmp_path / "again"
    told("export_version", version.model.model_id, version.number, again)
    assert (again / "model.partner.sig").read_text() == bundle
    assert "Verified" in told("verify_export", again)


def test_a_version_without_a_signature_is_not_exported(
    version: ModelVersion,  # noqa: F811
    tmp_path: Path,
) -> None:
    with pytest.raises(CommandError, match="not signed yet"):
        told("export_version", version.model.model_id, version.number, tmp_path / "export")
    assert not (tmp_path / "export").exists()


def test_a_folder_that_holds_something_is_left_alone(
    exported: Path,
    version: ModelVersion,  # noqa: F811
) -> None:
    with pytest.raises(CommandError, match="new or empty"):
        told("export_version", version.model.model_id, version.number, exported)


def test_an_unknown_version_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"no version 7 of a\.b"):
        told("export_version", "a.b", 7, tmp_path / "export")


def test_an_export_verifies_without_hokusai(exported: Path, tmp_path: Path) -> None:
    """As the operations manual tells people who have the model_signing command alone."""
    program = Path(sys.executable).with_name("model_signing")
    command = [program, "verify", "key", exported / "files"]
    command += ["--signature", exported / "model.sig", "--public_key", tmp_path / "key.pub"]
    command += ["--no-ignore-git-paths"]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    (exported / "files" / "more").write_text("x")
    assert subprocess.run(command, check=False, capture_output=True).returncode != 0
