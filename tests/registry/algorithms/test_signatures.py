import base64
import json
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from model_signing import hashing, signing, verifying

from registry.algorithms.signatures import (
    SignatureInvalid,
    differences,
    key_id,
    read_signature,
    split_keys,
)

Key = ec.EllipticCurvePrivateKey
KEY = ec.generate_private_key(ec.SECP256R1())


def public(key: Key | Ed25519PrivateKey = KEY) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def signed(folder: Path, key: Key = KEY, config: hashing.Config | None = None) -> str:
    """A bundle as the model-signing package writes it."""
    private, target = folder.parent / "key.pem", folder.parent / "model.sig"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    signer = signing.Config().use_elliptic_key_signer(private_key=private)
    signer.set_hashing_config(config or hashing.Config()).sign(folder, target)
    return target.read_text()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = tmp_path / "model"
    (files / "data").mkdir(parents=True)
    (files / "MLmodel").write_text("flavors: {}\n")
    (files / "data" / "größe.bin").write_bytes(b"weights")
    return files


def test_what_the_package_signs_is_read(folder: Path) -> None:
    found = read_signature(signed(folder), [public()])
    assert found.name == "model"
    assert found.key_id == key_id(public())
    assert found.files == {
        "MLmodel": sha256(b"flavors: {}\n").hexdigest(),
        "data/größe.bin": sha256(b"weights").hexdigest(),
    }


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_every_curve_of_the_package_is_read(folder: Path, curve: ec.EllipticCurve) -> None:
    key = ec.generate_private_key(curve)
    assert len(read_signature(signed(folder, key), [public(), public(key)]).files) == 2


def test_another_key_is_not_known(folder: Path) -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(SignatureInvalid, match="not known"):
        read_signature(signed(folder), [public(other)])


def forged(bundle: str, change: Callable[[dict[str, Any]], Any]) -> str:
    """The statement changed, and signed by nobody."""
    parsed = json.loads(bundle)
    envelope = parsed["dsseEnvelope"]
    statement = json.loads(base64.b64decode(envelope["payload"]))
    change(statement)
    envelope["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
    return json.dumps(parsed)


def resigned(bundle: str, change: Callable[[dict[str, Any]], Any]) -> str:
    """The statement changed, and signed again with the same key."""
    parsed = json.loads(forged(bundle, change))
    payload = base64.b64decode(parsed["dsseEnvelope"]["payload"])
    kind = b"application/vnd.in-toto+json"
    pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    signature = KEY.sign(pae, ec.ECDSA(hashes.SHA256()))
    parsed["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(signature).decode()
    return json.dumps(parsed)


def test_a_changed_statement_is_refused(folder: Path) -> None:
    bundle = forged(signed(folder), lambda s: s["predicate"]["resources"].pop())
    with pytest.raises(SignatureInvalid, match="does not match"):
        read_signature(bundle, [public()])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda s: s["predicate"]["resources"].pop(), "contradicts"),
        (lambda s: s["predicate"]["resources"].append(s["predicate"]["resources"][0]), "twice"),
        (lambda s: s["predicate"]["resources"][0].update(algorithm="blake2"), "sha256"),
        (lambda s: s["predicate"]["serialization"].update(method="shards"), "by files"),
        (lambda s: s.update(predicateType="https://model_signing/Digests/v0.1"), "version 1"),
        (lambda s: s.update(subject=[]), "malformed"),
        (lambda s: s.pop("predicate"), "malformed"),
    ],
)
def test_a_signed_statement_that_says_something_else_is_refused(
    folder: Path, change: Callable[[dict[str, Any]], Any], reason: str
) -> None:
    with pytest.raises(SignatureInvalid, match=reason):
        read_signature(resigned(signed(folder), change), [public()])


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("bundle.v0.3", "bundle.v0.9", "version 0.3"),
        ("in-toto+json", "other+json", "no statement"),
        ('"hint":', '"other":', "no key"),
        ('{"mediaType"', '{"mediaType": 1, "mediaType"', "twice"),
        ("}", "", "no JSON"),
    ],
)
def test_what_is_no_bundle_is_refused(folder: Path, old: str, new: str, reason: str) -> None:
    bundle = signed(folder)
    assert old in bundle
    with pytest.raises(SignatureInvalid, match=reason):
        read_signature(bundle.replace(old, new), [public()])


@pytest.mark.parametrize("pem", ["no key", public(Ed25519PrivateKey.generate())])
def test_a_key_of_another_kind_is_refused(pem: str) -> None:
    with pytest.raises(SignatureInvalid):
        key_id(pem)


def test_paths_that_the_signer_left_out_are_told(folder: Path) -> None:
    (folder / ".gitattributes").write_text("x")
    found = read_signature(signed(folder), [public()])
    assert ".gitattributes" not in found.files
    assert ".gitattributes" in found.left_out


def test_several_keys_are_read_from_one_file() -> None:
    other = public(ec.generate_private_key(ec.SECP256R1()))
    assert split_keys(f"{public()}\n{other}") == [public(), other]
    assert split_keys("nothing") == []


def test_differences_name_each_file_once() -> None:
    before = {"same": "1", "changed": "2", "old": "3", "gone": "4"}
    after = {"same": "1", "changed": "9", "new": "3", "more": "5"}
    assert differences(before, after) == [
        "changed: changed",
        "renamed: old -> new",
        "removed: gone",
        "added: more",
    ]
    assert differences(before, before) == []


def test_the_package_and_we_agree_on_a_folder(folder: Path) -> None:
    bundle = signed(folder)
    (folder.parent / "key.pub").write_text(public())
    verifier = verifying.Config().use_elliptic_key_verifier(public_key=folder.parent / "key.pub")
    verifier.verify(folder, folder.parent / "model.sig")
    (folder / "MLmodel").write_text("changed")
    with pytest.raises(ValueError, match="mismatch"):
        verifier.verify(folder, folder.parent / "model.sig")
    found = {"MLmodel": sha256(b"changed").hexdigest()}
    assert differences(read_signature(bundle, [public()]).files, found) == [
        "changed: MLmodel",
        "removed: data/größe.bin",
    ]


def test_a_signature_is_read_without_the_package() -> None:
    """Whoever verifies needs not its many dependencies."""
    code = "import sys, registry.algorithms.exports; sys.exit('model_signing' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
