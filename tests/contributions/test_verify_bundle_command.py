import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.docs.proofs import NOW, TRUST, Made, make


@pytest.fixture(name="made", scope="module")
def make_once() -> Made:
    return make()


@pytest.fixture(name="files")
def write_files(made: Made, tmp_path: Path) -> tuple[Path, Path]:
    bundle, trust = tmp_path / "bundle.json", tmp_path / "trust.json"
    bundle.write_bytes(made.bundle)
    trust.write_text(json.dumps(TRUST))
    return bundle, trust


def verify(*arguments: object) -> str:
    output = StringIO()
    call_command("verify_bundle", *map(str, arguments), "--at", NOW, stdout=output)
    return output.getvalue()


def test_a_trust_file_is_enough_without_any_database(made: Made, files: tuple[Path, Path]) -> None:
    bundle, trust = files
    said = verify(bundle, "--trust", trust)
    assert f"Verified {made.statement_id}" in said
    assert "valid, not revoked as of checkpoint" in said


def test_one_flipped_byte_is_not_verified(files: tuple[Path, Path]) -> None:
    bundle, trust = files
    broken = bytearray(bundle.read_bytes())
    broken[len(broken) // 2] ^= 1
    bundle.write_bytes(broken)
    with pytest.raises(CommandError, match="Not verified"):
        verify(bundle, "--trust", trust)


def test_files_that_cannot_be_read_are_not_verified(files: tuple[Path, Path]) -> None:
    bundle, trust = files
    for pair in ((bundle.with_name("absent"), trust), (bundle, trust.with_name("absent"))):
        with pytest.raises(CommandError, match="Not verified"):
            verify(pair[0], "--trust", pair[1])
    trust.write_text("[]")
    with pytest.raises(CommandError, match="Not verified"):
        verify(bundle, "--trust", trust)


@pytest.mark.django_db
def test_without_a_trust_file_this_instance_is_believed_and_no_other(
    files: tuple[Path, Path],
) -> None:
    with pytest.raises(CommandError, match="which log to believe"):
        verify(files[0])
