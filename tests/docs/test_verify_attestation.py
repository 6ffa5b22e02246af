import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from contributions.algorithms.dsse import encode_envelope, sign
from contributions.algorithms.statement import statement_id
from hokusai.core.canonical import canonical_bytes
from tests.contributions.algorithms.examples import statement

SCRIPT = Path(__file__).parents[2] / "docs" / "attestation" / "verify_attestation.py"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ENVELOPE = encode_envelope(sign(canonical_bytes(statement()), KEY))

Verify = Callable[[bytes], int]


@pytest.fixture(name="script", scope="module")
def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify_attestation", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(name="key_path")
def write_key(tmp_path: Path) -> Path:
    path = tmp_path / "key.pem"
    path.write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return path


@pytest.fixture(name="verify")
def make_verify(script: ModuleType, key_path: Path, tmp_path: Path) -> Verify:
    def verify(envelope: bytes) -> int:
        path = tmp_path / "envelope.json"
        path.write_bytes(envelope)
        return script.main([str(path), str(key_path)])

    return verify


def test_a_valid_attestation_is_reported_and_exits_with_zero(
    key_path: Path, tmp_path: Path
) -> None:
    path = tmp_path / "envelope.json"
    path.write_bytes(ENVELOPE)

    done = subprocess.run(
        [sys.executable, "-I", SCRIPT, path, key_path], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert statement_id(statement()) in done.stdout
    assert "accuracy +0.018250, between +0.011000 and +0.025500" in done.stdout
    assert "66.67 %" in done.stdout


def test_a_changed_byte_anywhere_fails(verify: Verify) -> None:
    for place in range(len(ENVELOPE)):
        changed = bytearray(ENVELOPE)
        changed[place] ^= 1 << (place % 8)
        assert verify(bytes(changed)) == 1, place


@pytest.mark.parametrize(
    "change",
    [
        lambda made: made["predicate"]["metrics"][0].update(delta=1),
        lambda made: made["predicate"]["contributions"][0].update(weightBps=1),
        lambda made: made["predicate"]["metrics"][0]["interval"].update(low=-1),
        lambda made: made.update(predicateType="urn:other"),
        lambda made: made.pop("subject"),
    ],
)
def test_signed_nonsense_fails(
    change: Callable[[dict], object], verify: Verify, capsys: pytest.CaptureFixture[str]
) -> None:
    made = statement()
    change(made)

    assert verify(encode_envelope(sign(canonical_bytes(made), KEY))) == 1
    assert "INVALID" in capsys.readouterr().out


@pytest.mark.parametrize("envelope", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, ENVELOPE + b" "])
def test_what_is_no_envelope_fails(envelope: bytes, verify: Verify) -> None:
    assert verify(envelope) == 1


def test_another_key_fails(script: ModuleType, tmp_path: Path) -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))).public_key()
    (tmp_path / "envelope.json").write_bytes(ENVELOPE)
    (tmp_path / "other.pem").write_bytes(
        other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )

    assert script.main([str(tmp_path / "envelope.json"), str(tmp_path / "other.pem")]) == 1


def test_missing_files_or_arguments_fail(script: ModuleType) -> None:
    assert script.main([]) == 1
    assert script.main(["absent.json", "absent.pem"]) == 1
