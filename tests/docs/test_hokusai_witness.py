"""The witness as a process of its own, asked over HTTP, killed and started again."""

import base64
import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hokusai.core.merkle import leaf_hash, root
from hokusai.transparency.algorithms import notes
from hokusai.transparency.algorithms.checkpoints import CheckpointText
from hokusai.transparency.algorithms.notes import NoteKey
from hokusai.transparency.algorithms.tree import Node, consistency_path, grow, hashes_of

SCRIPT = Path(__file__).parents[2] / "docs" / "attestation" / "hokusai_witness.py"
SECRET = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
LOG = NoteKey("local/test/log", SECRET.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
NAME = "witness.example/w1"
LEAVES = [leaf_hash(bytes([number])) for number in range(40)]
NODES = {
    **{Node(0, index): leaf for index, leaf in enumerate(LEAVES)},
    **dict(grow(0, [], LEAVES)[0]),
}
Answer = tuple[int, str]


class Witness:
    """One process, its key and its state, on a port of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = NoteKey.of_text(self.run("key", "--name", NAME))
        self.start("--begin")

    def run(self, command: str, *given: str) -> str:
        return subprocess.run(self.command(command, *given), check=True, **PIPED).stdout

    def command(self, command: str, *given: str) -> list[str]:
        key = str(self.folder / "witness.pem")
        return [sys.executable, str(SCRIPT), command, "--key", key, *given]

    def start(self, *given: str) -> None:
        state = str(self.folder / "state.json")
        command = ("serve", "--name", NAME, "--log", str(LOG), "--state", state, "--port", "0")
        self.process = subprocess.Popen(self.command(*command, *given), **PIPED)
        assert self.process.stdout is not None
        assert NoteKey.of_text(self.process.stdout.readline()) == self.key
        self.url = "http://" + self.process.stdout.readline().split()[-1]

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=10)

    def ask(self, body: str, path: str = "/add-checkpoint") -> Answer:
        request = urllib.request.Request(self.url + path, body.encode(), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def seen(self) -> dict[str, dict[str, object]]:
        with urllib.request.urlopen(self.url, timeout=10) as answer:
            return dict(json.load(answer)["logs"])


PIPED = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Witness]:
    found = Witness(tmp_path)
    yield found
    found.kill()


def text(size: int, *, origin: str = LOG.name, leaves: list[bytes] = LEAVES) -> str:
    return str(CheckpointText(origin, size, root(leaves[:size])))


def body(old: int, size: int, *, proof: list[bytes] | None = None, **fields: object) -> str:
    stated = text(size, **fields)  # type: ignore[arg-type]
    if proof is None:
        proof = hashes_of(consistency_path(old, size), NODES) if 0 < old <= size else []
    lines = [f"old {old}", *(base64.b64encode(hashed).decode() for hashed in proof)]
    line = notes.signed_line(LOG, SECRET.sign(stated.encode()))
    return "\n".join(lines) + f"\n\n{stated}\n{line}"


def test_it_cosigns_what_follows_and_remembers_it_when_it_is_killed(witness: Witness) -> None:
    for old, size in ((0, 3), (3, 20)):
        status, answer = witness.ask(body(old, size))
        assert status == 200
        (line,) = notes.parsed_lines(answer)
        assert notes.cosigned_at(text(size), line, witness.key) > 1_700_000_000
    witness.kill()
    witness.start()
    assert witness.seen()[LOG.name]["size"] == 20
    # Neither a tree that shrank nor one that begins anew is cosigned by whoever saw a larger one.
    assert witness.ask(body(0, 5)) == (409, "20\n")
    assert witness.ask(body(3, 20)) == (409, "20\n")
    assert witness.ask(body(20, 40))[0] == 200
    assert witness.ask(body(40, 40))[0] == 200


def test_it_refuses_what_does_not_follow_or_is_not_signed(witness: Witness) -> None:
    assert witness.ask(body(0, 7))[0] == 200
    fork = [leaf_hash(b"other"), *LEAVES[1:]]
    stranger = Ed25519PrivateKey.generate()
    unsigned, _, _ = body(7, 9).rpartition("\n\n")
    forged = notes.signed_line(LOG, stranger.sign(text(9).encode()))
    other = notes.signed_line(NoteKey(LOG.name, bytes(32)), bytes(64))
    expected = {
        body(7, 7, leaves=fork): 409,
        body(7, 9, leaves=fork): 422,
        body(7, 9, proof=[]): 422,
        body(7, 5, proof=[]): 400,
        body(7, 9, origin="another/log"): 404,
        f"{unsigned}\n\n{forged}": 403,
        f"{unsigned}\n\n{other}": 403,
        body(7, 9).replace("old 7", "old 07"): 400,
        body(7, 9).replace("old 7", "new 7"): 400,
        body(7, 9).replace("=", "*", 1): 400,
        body(7, 9, proof=[bytes(32)] * 64): 400,
        "old 7\n\nnothing\n": 400,
        "x" * 70_000: 413,
    }
    assert {sent: witness.ask(sent)[0] for sent in expected} == expected
    assert witness.ask(body(7, 9), "/elsewhere")[0] == 404
    assert witness.seen()[LOG.name]["size"] == 7


def test_two_do_not_share_a_state_and_none_starts_without_its_own(witness: Witness) -> None:
    state = witness.folder / "state.json"
    command = witness.command(
        "serve", "--name", NAME, "--log", str(LOG), "--port", "0", "--state", str(state)
    )
    second = subprocess.run(command, check=False, **PIPED)
    assert (second.returncode, "Another witness" in second.stderr) == (1, True)
    witness.kill()
    begin = subprocess.run([*command, "--begin"], check=False, **PIPED)
    assert "without --begin" in begin.stderr
    state.unlink()
    lost = subprocess.run(command, check=False, **PIPED)
    assert "not starting" in lost.stderr


def test_its_key_is_readable_by_its_owner_alone_and_kept(witness: Witness) -> None:
    assert (witness.folder / "witness.pem").stat().st_mode & 0o777 == 0o600
    assert NoteKey.of_text(witness.run("key", "--name", NAME)) == witness.key
