"""Secrets for the containers are made once."""

import stat
import subprocess
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_pem_public_key,
)

SCRIPT = Path(__file__).parents[2] / "docker" / "make_secrets.py"


def _make(folder: Path) -> dict[str, bytes]:
    subprocess.run([sys.executable, SCRIPT, folder], check=True, capture_output=True)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    assert _make(tmp_path / "s") == _make(tmp_path / "s")


def test_what_is_missing_is_made_again_to_fit(tmp_path: Path) -> None:
    first = _make(tmp_path / "s")
    (tmp_path / "s" / "database_url").unlink()
    assert _make(tmp_path / "s") == first


def test_two_folders_share_no_secret(tmp_path: Path) -> None:
    values = [set(_make(tmp_path / name).values()) for name in ("a", "b")]
    assert not values[0] & values[1]


def test_only_the_owner_may_enter_the_folder(tmp_path: Path) -> None:
    _make(tmp_path / "s")
    assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o700


def test_each_purpose_has_a_key_of_its_kind(tmp_path: Path) -> None:
    made = _make(tmp_path / "s")
    for name in ("signing_key.pem", "log_key.pem"):
        assert isinstance(load_pem_private_key(made[name], password=None), Ed25519PrivateKey)
    chain = load_pem_private_key(made["chain_key.pem"], password=None)
    assert isinstance(chain, EllipticCurvePrivateKey)
    assert chain.curve.name == "secp256k1"
    assert made["signing_key.pem"] != made["log_key.pem"]


def test_the_key_for_models_is_on_p256_and_its_public_half_lies_beside(tmp_path: Path) -> None:
    made = _make(tmp_path / "s")
    key = load_pem_private_key(made["model_signing_key.pem"], password=None)
    public = load_pem_public_key(made["model_signing_key.pub"])
    assert isinstance(key, EllipticCurvePrivateKey)
    assert key.curve.name == "secp256r1"
    assert key.public_key() == public
