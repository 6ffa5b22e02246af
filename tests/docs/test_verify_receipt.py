"""The verifier of receipts as anybody runs it: a file of its own, with files of the caller's."""

import base64
import importlib.util
import json
import math
import random
import struct
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import rfc8785

from deployments.algorithms import receipt_digests
from deployments.algorithms.receipt_statement import Facts, commitment, statement
from hokusai.core.canonical import canonical_bytes
from hokusai.signers.algorithms import dsse
from tests.hokusai.signers.keys import half_of, new_key

FILE = Path(__file__).parents[2] / "docs/attestation/verify_receipt.py"
BODY = b'{"columns": ["a", "b"], "data": [[1e-7, "\xc3\xa9"], [1e21, null]]}'
ANSWER = b'{"request_id": "req_1", "outputs": [{"prediction": 0.1}, {"prediction": 1.0}]}'
SALT, CALLER = b"0123456789abcdef", "key_1"
KEY = new_key("ed25519")


def facts(**changes):
    stated = {
        "receipt": "rcp_1",
        "instance": "here",
        "environment": "production",
        "project": "tides",
        "deployment": "dep_1",
        "revision": "rev_1",
        "model_id": "tides.forecast",
        "version": 3,
        "digest": "d" * 64,
        "converted_digest": "",
        "isolation": "A",
        "request_id": "req_1",
        "principal_commitment": commitment(SALT, CALLER),
        "input_digest": receipt_digests.of_rows(BODY),
        "output_digest": receipt_digests.of_outputs(
            json.dumps(json.loads(ANSWER)["outputs"]).encode()
        ),
        "predicted_at": datetime(2026, 11, 20, 8, 5, tzinfo=UTC),
    }
    return Facts(**{**stated, **changes})


@pytest.fixture
def folder(tmp_path):
    """A receipt, the keys, the input and the answer as files."""
    envelope = dsse.sign(canonical_bytes(statement(facts())), KEY)
    (tmp_path / "receipt").write_text(json.dumps({"envelope": envelope, "salt": SALT.hex()}))
    (tmp_path / "input").write_bytes(BODY)
    (tmp_path / "output").write_bytes(ANSWER)
    keys(tmp_path)
    return tmp_path


def keys(folder, **changes):
    half = half_of(KEY)
    stated = {
        "id": half.key_id,
        "purpose": "attestation",
        "public_pem": half.public_pem,
        "valid_until": None,
        "compromised_at": None,
    }
    (folder / "keys").write_text(json.dumps([{**stated, **changes}]))


def verify(folder, *more, instance="here"):
    files = ["--keys", "keys", "--input", "input", "--output", "output", "--caller", CALLER]
    command = [sys.executable, str(FILE), "receipt", *files, "--instance", instance, *more]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_receipt_is_verified_with_copies_of_ones_own(folder):
    done = verify(folder, "--environment", "production")
    assert done.stderr == ""
    assert done.returncode == 0
    assert "model tides.forecast/3" in done.stdout
    assert "the input is yours\nthe output is yours\nasked for by key_1" in done.stdout


@pytest.fixture(scope="module")
def verifier():
    """The file as a module, for what needs no process of its own."""
    spec = importlib.util.spec_from_file_location("verify_receipt", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def rejected(folder, verifier, monkeypatch, capsys):
    """Why the files of the folder prove nothing."""
    files = ["--keys", "keys", "--input", "input", "--output", "output", "--caller", CALLER]

    def why(instance: str = "here") -> str:
        monkeypatch.chdir(folder)
        monkeypatch.setattr("sys.argv", ["v", "receipt", *files, "--instance", instance])
        assert verifier.main() == 1
        return capsys.readouterr().err

    return why


@pytest.mark.parametrize(
    ("name", "old", "new", "why"),
    [
        ("input", b"1e-7", b"2e-7", "The input is another one"),
        ("input", b"null", b"0", "The input is another one"),
        ("output", b"0.1", b"0.10001", "The output is another one"),
        ("receipt", SALT.hex().encode(), b"00" * 16, "Somebody else asked"),
        ("receipt", b'"sig": "', b'"sig": "A', "base64"),
        ("receipt", b"in-toto", b"in-tot", "no envelope"),
        ("keys", b"attestation", b"log", "another purpose"),
        ("keys", b'"compromised_at": null', b'"compromised_at": "2026-12-01T00:00:00Z"', "comprom"),
        ("keys", b'"valid_until": null', b'"valid_until": "2026-11-20T08:04:59Z"', "had ended"),
        ("keys", b'"id": "', b'"id": "0', "not among those"),
    ],
)
def test_whatever_is_changed_is_noticed(folder, rejected, name, old, new, why):  # noqa: PLR0917
    content = (folder / name).read_bytes()
    assert content.count(old) == 1
    (folder / name).write_bytes(content.replace(old, new))
    assert why in rejected()


def test_a_statement_of_another_kind_or_instance_is_refused(folder, rejected):
    assert "instance here" in rejected("there")
    made = {**statement(facts()), "predicateType": "urn:hokusai:attestation:model-improvement:v2"}
    envelope = dsse.sign(canonical_bytes(made), KEY)
    (folder / "receipt").write_text(json.dumps({"envelope": envelope}))
    assert "something else" in rejected()


def test_another_payload_under_the_same_signature_is_refused(folder, rejected):
    envelope = dsse.sign(canonical_bytes(statement(facts())), KEY)
    other = canonical_bytes(statement(facts(version=4)))
    envelope["payload"] = base64.b64encode(other).decode()
    (folder / "receipt").write_text(json.dumps({"envelope": envelope}))
    assert "does not hold" in rejected()


def test_a_receipt_that_is_not_signed_yet_proves_nothing(folder, rejected):
    (folder / "receipt").write_text('{"envelope": null}')
    assert "not be signed yet" in rejected()


def test_numbers_are_written_as_the_platform_writes_them(verifier):
    chance = random.Random(7)
    doubles = [struct.unpack("<d", chance.randbytes(8))[0] for _ in range(3000)]
    edges = [0.0, -0.0, 1e21, 1e-7, 1e-6, 123456789012345680000.0, 5e-324, 1.7e308, 100.0, 1e20]
    for value in [*edges, *filter(math.isfinite, doubles)]:
        assert verifier.number(value) == rfc8785.dumps(value).decode()


def test_texts_and_names_are_written_as_the_platform_writes_them(verifier):
    value = {"\u20ac": '\u0001\n"\\/', "\U0001f600": [True, None, 2**53], "a": {"é": "é"}, "": 0}
    expected = rfc8785.dumps({**value, "\U0001f600": [True, None, float(2**53)]}).decode()
    assert verifier.canonical(value) == expected
