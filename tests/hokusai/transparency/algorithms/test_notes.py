"""The first note and its key are those of Go's package `golang.org/x/mod/sumdb/note` (its tests).

The checkpoint with a cosignature is the example of c2sp.org/tlog-cosignature; its keys are not
published, so that its form alone is tested.
"""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hokusai.transparency.algorithms import notes
from hokusai.transparency.algorithms.notes import COSIGNATURE, NoteError, NoteKey

PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
NOTE = (
    TEXT + "\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXg"
    "KvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
CHECKPOINT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
EXAMPLE = (
    CHECKPOINT + "\n\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeO"
    "oRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "\u2014 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJs"
    "X3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)
SECRET = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = SECRET.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
WITNESS = NoteKey("witness.example/w1", PUBLIC, COSIGNATURE)


def cosignature(text: str, time_s: int = 1_679_315_147) -> notes.Line:
    signature = SECRET.sign(notes.cosigned_bytes(text, time_s))
    return notes.parsed_lines(notes.cosignature_line(WITNESS, time_s, signature))[0]


def test_the_note_of_another_implementation_verifies() -> None:
    assert notes.verified_text(NOTE, [NoteKey.of_text(PETER)]) == TEXT


def test_a_key_is_stated_as_others_state_it() -> None:
    assert str(NoteKey.of_text(PETER)) == PETER


def test_a_changed_text_does_not_verify() -> None:
    with pytest.raises(NoteError, match="does not hold"):
        notes.verified_text(NOTE.replace("answer", "question"), [NoteKey.of_text(PETER)])


def test_signatures_of_unknown_keys_are_ignored_and_prove_nothing() -> None:
    stranger = NoteKey("PeterNeumann", PUBLIC)
    with pytest.raises(NoteError, match="None of the keys"):
        notes.verified_text(NOTE, [stranger])
    line = notes.signed_line(stranger, bytes(64))
    assert notes.verified_text(NOTE + line, [NoteKey.of_text(PETER)]) == TEXT


def test_one_wrong_signature_of_a_known_key_refuses_the_note() -> None:
    key = NoteKey("other", PUBLIC)
    with pytest.raises(NoteError, match="does not hold"):
        notes.verified_text(NOTE + notes.signed_line(key, bytes(64)), [NoteKey.of_text(PETER), key])


def test_the_example_of_the_specification_is_read_and_written_back() -> None:
    text, lines = notes.opened(EXAMPLE)
    assert text == CHECKPOINT
    assert text + "\n" + "".join(map(str, lines)) == EXAMPLE
    time_s = int.from_bytes(lines[1].signature[:8], "big")
    assert time_s == 1_679_315_147
    assert notes.cosigned_bytes(text, time_s).decode() == (
        "cosignature/v1\ntime 1679315147\n" + CHECKPOINT
    )


def test_a_cosignature_tells_when_the_witness_saw_the_text() -> None:
    assert notes.cosigned_at(CHECKPOINT, cosignature(CHECKPOINT), WITNESS) == 1_679_315_147


def test_a_cosignature_of_another_text_time_or_key_does_not_hold() -> None:
    line = cosignature(CHECKPOINT)
    later = notes.Line(line.name, line.key_hash, bytes(8) + line.signature[8:])
    with pytest.raises(NoteError, match="does not hold"):
        notes.cosigned_at(CHECKPOINT.replace("3", "4"), line, WITNESS)
    with pytest.raises(NoteError, match="does not hold"):
        notes.cosigned_at(CHECKPOINT, later, WITNESS)
    with pytest.raises(NoteError, match="no cosignature"):
        notes.cosigned_at(CHECKPOINT, line, NoteKey("else", PUBLIC, COSIGNATURE))
    with pytest.raises(NoteError, match="no cosignature"):
        notes.cosigned_at(CHECKPOINT, line, NoteKey(WITNESS.name, PUBLIC))


def test_a_plain_signature_is_no_cosignature() -> None:
    signature = SECRET.sign(CHECKPOINT.encode())
    line = notes.Line(WITNESS.name, WITNESS.hash, signature)
    with pytest.raises(NoteError, match="a time and a signature"):
        notes.cosigned_at(CHECKPOINT, line, WITNESS)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "text\n",
        "\n\n\u2014 a AAAAAAAA\n",
        "text\n\n\u2014 a AAAAAAAA",
        "text\n\n- a AAAAAAAA\n",
        "text\n\n\u2014 a AAAA*AAA\n",
        "text\n\n\u2014 a AAAA\n",
        "text\n\n\u2014 a+b AAAAAAAA\n",
        "text\n\n\u2014 a  AAAAAAAA\n",
        "te\txt\n\n\u2014 a AAAAAAAA\n",
        "text\r\n\n\u2014 a AAAAAAAA\n",
        "x" * notes.MAX_NOTE_BYTES + "\n\n\u2014 a AAAAAAAA\n",
    ],
)
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(NoteError):
        notes.opened(note)


@pytest.mark.parametrize(
    "text",
    [
        "PeterNeumann",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+" + base64.b64encode(b"\x02" + bytes(32)).decode(),
        "PeterNeumann+c74f20a3+" + base64.b64encode(b"\x01" + bytes(31)).decode(),
        "a b+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_a_key_whose_parts_disagree_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        NoteKey.of_text(text)


def test_only_ed25519_keys_make_keys_of_notes() -> None:
    def pem(key: object) -> str:
        public = key.public_key()  # type: ignore[attr-defined]
        return str(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())

    assert NoteKey.of_pem("log", pem(SECRET)).public == PUBLIC
    for text in (pem(generate_private_key(SECP256R1())), "no key"):
        with pytest.raises(NoteError):
            NoteKey.of_pem("log", text)
