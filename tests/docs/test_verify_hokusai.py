"""The stand-alone verifier against bundles made of the platform's own algorithms."""

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

from experiments.algorithms.commitments import disclose
from hokusai.core.canonical import canonical_bytes, sha256_hex
from tests.docs import proofs
from tests.docs.proofs import GIVEN, NOW, OTHER, SECRET, SIGNER, TRUST, Json, Made, Recipe, make

FLIPS = 300


@pytest.fixture(name="made", scope="module")
def make_once() -> Made:
    return make()


@pytest.fixture(name="with_rows", scope="module")
def make_with_rows() -> Made:
    return make(Recipe(rows=True))


@pytest.fixture(name="judge")
def make_judge(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Verify a bundle in this process; what was printed, after the exit code and a colon."""

    def judge(bundle: bytes, *arguments: str, trust: Json = TRUST, command: str = "verify") -> str:
        (tmp_path / "bundle.json").write_bytes(bundle)
        (tmp_path / "trust.json").write_text(json.dumps(trust))
        paths = [str(tmp_path / "bundle.json"), "--trust", str(tmp_path / "trust.json")]
        if command == "disclosure":
            paths.insert(0, str(tmp_path / "row.json"))
        code = proofs.script().main([command, *paths, "--at", NOW, *arguments])
        return f"{code}: {capsys.readouterr().out}"

    return judge


Judge = Callable[..., str]


def run(made: Made, folder: Path, *arguments: str) -> Any:
    """The same as a process of its own, isolated from the project and the environment."""
    (folder / "bundle.json").write_bytes(made.bundle)
    (folder / "trust.json").write_text(json.dumps(TRUST))
    command = [sys.executable, "-I", proofs.SCRIPT, "verify", folder / "bundle.json"]
    return subprocess.run(
        [*command, "--trust", folder / "trust.json", "--at", NOW, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )


def changed(made: Made, change: Callable[[Json], object]) -> bytes:
    bundle = json.loads(made.bundle)
    change(bundle)
    return canonical_bytes(bundle)


def test_a_valid_bundle_is_told_and_exits_with_zero(made: Made, tmp_path: Path) -> None:
    done = run(made, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"attestation {made.statement_id}" in done.stdout
    assert "valid, not revoked as of checkpoint" in done.stdout
    assert "gain       accuracy +0.095000" in done.stdout
    assert "66.67 %" in done.stdout
    assert "log_loss: scores, gain, bounds and test, repeated from 400 rows" in done.stdout


def test_programs_read_the_same_as_json(made: Made, tmp_path: Path) -> None:
    facts = json.loads(run(made, tmp_path, "--json").stdout)
    assert facts["valid"] is True
    assert facts["metric"]["delta"] == 95_000
    assert facts["confirmation"] == "confirmed"
    assert facts["checkpoint"]["witnesses"] == ["witness.example"]


def test_plain_python_repeats_what_numpy_does(made: Made, tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_bytes(made.bundle)
    (tmp_path / "trust.json").write_text(json.dumps(TRUST))
    arguments = ["verify", "bundle.json", "--trust", "trust.json", "--at", NOW]
    program = (
        "import runpy, sys; sys.modules['numpy'] = None; sys.argv = sys.argv[1:]; "
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, proofs.SCRIPT, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "log_loss: scores, gain, bounds and test, repeated" in done.stdout


def scalars(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where every text, number, truth value and null is; of long lists the ends are enough."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from scalars(item, (*path, name))
    elif isinstance(value, list):
        places = range(len(value)) if len(value) <= 12 else (0, 1, len(value) - 1)
        for place in places:
            yield from scalars(value[place], (*path, place))
    else:
        yield path


def another(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int):
        return value + 1
    middle = len(value) // 2
    return (
        value[:middle] + ("0" if value[middle : middle + 1] != "0" else "1") + value[middle + 1 :]
    )


def test_every_field_that_changes_is_noticed(with_rows: Made, judge: Judge) -> None:
    bundle = json.loads(with_rows.bundle)
    paths = list(scalars(bundle))
    assert len(paths) > 150
    for path in paths:
        *parents, last = path
        place = bundle
        for name in parents:
            place = place[name]
        kept, place[last] = place[last], another(place[last])
        said = judge(canonical_bytes(bundle))
        assert said.startswith("1: INVALID"), path
        place[last] = kept


def test_every_field_that_is_missing_is_noticed(made: Made, judge: Judge) -> None:
    for name in json.loads(made.bundle):
        assert judge(changed(made, lambda bundle, name=name: bundle.pop(name))).startswith("1:")
    assert "other fields" in judge(changed(made, lambda bundle: bundle.update(more=1)))


def test_a_changed_byte_anywhere_fails(made: Made, judge: Judge) -> None:
    generator = random.Random(20261120)
    for _ in range(FLIPS):
        place = generator.randrange(len(made.bundle))
        broken = bytearray(made.bundle)
        broken[place] ^= 1 << generator.randrange(8)
        assert judge(bytes(broken)).startswith("1: INVALID"), place


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not JSON"),
        (b"[]", "other fields"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":1,"a":1}', "given twice"),
        (b'{"a":1.5}', "Only whole numbers"),
        (b'{"a":NaN}', "Only whole numbers"),
        (b'{"a":9007199254740992}', "2**53"),
        (b'{"a": 1}', "canonical form"),
        (b'{"b":1,"a":1}', "canonical form"),
        ('{"\u00e9":1}'.encode(), "not ASCII"),
        (b'"\\ud800"', "Unicode"),
    ],
)
def test_what_is_no_bundle_fails_in_one_sentence(content: bytes, why: str, judge: Judge) -> None:
    said = judge(content)
    assert said.startswith("1: INVALID")
    assert why in said
    assert said.count("\n") == 1


def test_a_file_that_is_too_large_or_absent_fails(
    made: Made, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert proofs.script().main(["verify", "absent.json", "--log-key", TRUST["log"][0]]) == 1
    monkeypatch.setattr(proofs.script(), "MAX_BUNDLE_BYTES", len(made.bundle) - 1)
    assert "has more than" in judge(made.bundle)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"log": [str(proofs.NoteKey(proofs.ORIGIN, proofs.raw(OTHER)))]}, "log's signature"),
        ({"log": [str(proofs.NoteKey("another/log", proofs.raw(proofs.LOG)))]}, "log's signature"),
        ({"log": []}, "which log to believe"),
        ({"log": ["nonsense"]}, "name+hash+base64"),
        ({"log": [TRUST["log"][0].replace("+", "+0", 1)]}, "another hash"),
        ({"witnesses": {"required": 2, "keys": TRUST["witnesses"]["keys"]}}, "1 of your witnesses"),
        ({"witnesses": {"required": 1, "keys": []}}, "0 of your witnesses"),
        ({"instance": "another.example"}, "speaks for hokusai.example"),
        ({"environments": ["staging"]}, "comes from the environment 'production'"),
        ({"signers": {"required": 2, "keys": []}}, "1 trusted keys signed"),
        ({"signers": {"required": 1, "keys": ["0" * 64]}}, "0 trusted keys signed"),
        ({"compromised": {proofs.key_id(SIGNER): 0}}, "counts as stolen from log index 0"),
        ({"format": "other"}, "another format"),
    ],
)
def test_who_is_not_believed_proves_nothing(
    change: Json, why: str, made: Made, judge: Judge
) -> None:
    assert why in judge(made.bundle, trust=TRUST | change)


def test_a_key_stolen_after_it_signed_is_still_good(made: Made, judge: Judge) -> None:
    later = {proofs.key_id(SIGNER): 1000}
    assert judge(made.bundle, "--skip-resampling", trust=TRUST | {"compromised": later})[0] == "0"


def test_arguments_say_the_same_as_a_trust_file(made: Made, tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_bytes(made.bundle)
    common = ["verify", str(tmp_path / "bundle.json"), "--at", NOW, "--skip-resampling"]
    log = ["--log-key", TRUST["log"][0], "--instance", "hokusai.example"]
    witness = ["--witness", TRUST["witnesses"]["keys"][0], "--witnesses", "1"]
    main = proofs.script().main
    assert main([*common, *log, *witness]) == 0
    assert main([*common, *log]) == 0
    assert main([*common, *witness]) == 1
    assert main([*common, *log, "--signatures", "2"]) == 1


def test_a_demo_proves_nothing_unless_it_is_allowed(judge: Judge) -> None:
    demo = make(Recipe(change_statement=lambda made: made["predicate"]["issuer"].update(DEMO)))
    assert "environment 'demo'" in judge(demo.bundle, "--skip-resampling")
    allowed = judge(demo.bundle, "--skip-resampling", "--allow-environment", "demo")
    assert allowed.startswith("0: VALID")
    assert "(demo)" in allowed


DEMO = {"environment": "demo"}


def predicate(name: str, **changes: Any) -> Callable[[Json], object]:
    return lambda made: made["predicate"][name].update(changes)


def primary(**changes: Any) -> Callable[[Json], object]:
    return lambda made: made["predicate"]["metrics"][0].update(changes)


LIES: list[tuple[Callable[[Json], object], str]] = [
    (lambda made: made.update(predicateType="urn:other"), "another type"),
    (lambda made: made.update(_type="urn:other"), "not an in-toto statement"),
    (lambda made: made["subject"].append(made["subject"][0]), "not about exactly one"),
    (
        lambda made: made["subject"][0]["digest"].update(sha256="b" * 64),
        "candidate is the baseline",
    ),
    (primary(delta=96_000), "delta is not the difference"),
    (primary(candidate=936_000, delta=96_000), "the delta is 95000 by the evidence"),
    (primary(direction="lower", delta=-95_000), "do not reach the policy"),
    (lambda made: made["predicate"]["metrics"][0]["interval"].update(low=60_000), "lower bound"),
    (lambda made: made["predicate"]["metrics"][0]["interval"].update(low=160_000), "reversed"),
    (lambda made: made["predicate"]["metrics"][0]["test"].update(pE9=900_000), "accuracy: the p"),
    (lambda made: made["predicate"]["metrics"][0]["test"].update(method="t"), "methods are"),
    (lambda made: made["predicate"]["metrics"][0]["discordant"].update(candidateOnly=45), "rows"),
    (
        lambda made: made["predicate"]["metrics"][1]["guardrail"].update(harmUpper=-9),
        "harm's upper",
    ),
    (lambda made: made["predicate"]["metrics"][1].update(primary=True), "exactly one"),
    (lambda made: made["predicate"]["metrics"].pop(), "without the guardrail"),
    (lambda made: made["predicate"]["contributions"][0].update(weightBps=1), "do not sum"),
    (lambda made: made["predicate"]["contributions"][0].update(id="ctr_2"), "listed twice"),
    (lambda made: made["predicate"]["decision"]["policy"].update(minimumGain=95_002), "reach"),
    (lambda made: made["predicate"]["decision"]["policy"].update(alphaE9=50_000_000), "spend"),
    (lambda made: made["predicate"]["decision"].update(accepted=False), "no accepted comparison"),
    (predicate("decision", reason="regression"), "contradicts the decision"),
    (predicate("evaluation", rows=401), "about 400 rows"),
    (predicate("evaluation", seed=1), "another seed"),
    (predicate("evaluation", weighted=True), "whether rows have weights"),
    (predicate("evaluation", clusters=40), "whether rows come in clusters"),
    (predicate("evaluation", comparisonId="cmp_2"), "something else of the attempt"),
    (predicate("confirmation", confirmed=False), "verdict does not follow"),
    (predicate("confirmation", delta=99_000), "by the evidence, not 99000"),
    (predicate("attribution", payableGain=110_002), "More is payable"),
    (predicate("attribution", payable=False), "although nothing is"),
    (lambda made: made["predicate"].update(expiresOn="2026-11-30T00:00:00Z"), "Expired"),
    (lambda made: made["predicate"].update(issuedOn="2025-11-30T00:00:00Z"), "was not valid"),
    (lambda made: made["predicate"].update(issuedOn="yesterday"), "not a time like"),
]


@pytest.mark.parametrize(("lie", "why"), LIES)
def test_a_signed_lie_is_found_out(lie: Callable[[Json], object], why: str, judge: Judge) -> None:
    skip = [] if "harm" in why else ["--skip-resampling"]
    said = judge(make(Recipe(change_statement=lie)).bundle, *skip)
    assert said.startswith("1: INVALID"), said
    assert why in said


def test_fewer_attempts_than_the_log_shows_are_found_out(judge: Judge) -> None:
    def lie(made: Json) -> None:
        made["predicate"]["evaluation"]["attempt"].update(number=2, alphaE9=proofs.level_e9(2))

    both = Recipe(
        change_statement=lie,
        change_attempt=lambda made: (
            made["ledger"]["split"] == "screening"
            and made.update(number=2, alphaE9=proofs.level_e9(2))
        ),
    )
    assert "at least attempt 3 by the log" in judge(make(both).bundle)
    assert "something else of the attempt" in judge(make(Recipe(change_statement=lie)).bundle)


def test_a_chain_of_attempts_with_a_hole_is_broken(made: Made, judge: Judge) -> None:
    def drop(bundle: Json) -> None:
        attempts = [item for item in bundle["log"] if item["kind"] == "attempt"]
        bundle["log"].remove(attempts[1])

    assert "chain of attempts on these rows is broken" in judge(changed(made, drop))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"candidate": "f" * 64}, "something else"),
        ({"alphaE9": 9}, "something else"),
        ({"ledger": {"split": "training"}}, "another split"),
    ],
)
def test_an_attempt_of_something_else_is_found_out(change: Json, why: str, judge: Judge) -> None:
    assert why in judge(make(Recipe(change_attempt=lambda made: made.update(change))).bundle)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"purpose": "log"}, "not one for attestations"),
        ({"validUntil": "2026-11-01T00:00:00+00:00"}, "was not valid when it signed"),
        ({"validFrom": "2026-11-20T08:05:01+00:00"}, "was not valid when it signed"),
        ({"action": "retired"}, "how the key"),
    ],
)
def test_a_key_that_may_not_sign_proves_nothing(change: Json, why: str, judge: Judge) -> None:
    assert why in judge(make(Recipe(change_key=lambda made: made.update(change))).bundle)


def test_another_public_key_than_the_id_says_proves_nothing(judge: Judge) -> None:
    other = make(Recipe(pem_of=lambda _: proofs.pem(proofs.LOG)))
    assert "not the digest of it" in judge(other.bundle)
    assert "not a public key" in judge(make(Recipe(pem_of=lambda _: "no key")).bundle)


def test_a_retirement_in_the_log_ends_a_key(judge: Judge) -> None:
    def retired(until: str) -> Made:
        event = proofs.key_event(SIGNER, Recipe()) | {"action": "retired", "validUntil": until}
        made = Recipe(more_records=lambda _: [proofs.record("key", event)])
        made.change_entry = lambda entry: replace(entry, valid_until=proofs.written(until))
        return make(made)

    assert "was not valid" in judge(retired("2026-11-20T08:04:59+00:00").bundle)
    after = judge(retired("2026-11-20T08:05:00+00:00").bundle, "--skip-resampling")
    assert after.startswith("0: VALID")


def test_a_compromise_in_the_log_counts_from_its_index(judge: Judge) -> None:
    def stolen(index: int) -> Made:
        event = {"action": "compromised", "keyId": proofs.key_id(SIGNER)}
        record = proofs.record("key", {**event, "compromisedFromIndex": index})
        return make(Recipe(more_records=lambda _: [record]))

    assert "counts as stolen from log index 3" in judge(stolen(3).bundle)
    assert judge(stolen(1000).bundle, "--skip-resampling").startswith("0: VALID")


def test_two_of_two_signers_are_counted(judge: Judge) -> None:
    both = make(Recipe(signers=(SIGNER, OTHER)))
    needed = TRUST | {"signers": {"required": 2, "keys": []}}
    assert "2 signature(s)" in judge(both.bundle, "--skip-resampling", trust=needed)
    ids = [proofs.key_id(SIGNER), "0" * 64]
    one = TRUST | {"signers": {"required": 2, "keys": ids}}
    assert "1 trusted keys signed" in judge(both.bundle, trust=one)


def test_a_revoked_attestation_fails_by_the_list_and_by_the_record(judge: Judge) -> None:
    assert "Revoked: the status list of" in judge(make(Recipe(revoked=True)).bundle)

    def revocation(statement_id: str) -> list[Json]:
        statement = {
            "_type": "urn:hokusai:attestation:revocation:v1",
            "attestation": {"sha256": statement_id},
            "reason": "The benchmark leaked.",
        }
        return [proofs.record("revocation", statement)]

    said = judge(make(Recipe(more_records=revocation)).bundle)
    assert "Revoked at log index" in said
    assert "The benchmark leaked." in said


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"root": {"sha256": "0" * 64}}, "not in the status list"),
        ({"size": 4}, "status"),
        ({"_type": "urn:other"}, "status list is not in the log"),
        ({"issuedOn": "soon"}, "not a time like"),
    ],
)
def test_a_status_list_that_does_not_hold_fails(change: Json, why: str, judge: Judge) -> None:
    assert why in judge(make(Recipe(change_status=lambda made: made.update(change))).bundle)


def test_a_bundle_without_a_confirmation_says_so(judge: Judge) -> None:
    said = judge(make(Recipe(kept=None)).bundle, "--skip-resampling")
    assert said.startswith("0: VALID")
    assert "none: this benchmark keeps no rows for it; payable +0.000000" in said


def test_what_is_skipped_is_said(made: Made, judge: Judge) -> None:
    said = judge(made.bundle, "--skip-resampling")
    assert "unchecked  log_loss: its numbers were not repeated" in said


def test_rows_are_held_against_their_roots(with_rows: Made, made: Made, judge: Judge) -> None:
    said = judge(with_rows.bundle, "--skip-resampling", command="outcome")
    assert "1200 per-row outcomes are those that the statement commits to" in said
    assert "holds no per-row outcomes" in judge(made.bundle, "--skip-resampling", command="outcome")

    def swap(bundle: Json) -> None:
        rows = bundle["rows"]["screening"]["baseline"]["rows"]
        rows[0], rows[1] = rows[1], rows[0]

    assert "not those that the statement commits to" in judge(changed(with_rows, swap))


@pytest.fixture(name="shown")
def show_row(made: Made, tmp_path: Path) -> Callable[..., None]:
    """Write the third row that Anna gave as its giver was answered, with changes."""

    def show(**changes: Any) -> None:
        found = disclose(GIVEN, SECRET, 2)
        row = {
            "format": "hokusai-disclosure",
            "version": 1,
            "contribution": "ctr_1",
            "root": proofs.GIVEN_ROOT,
            "index": 2,
            "size": 5,
            "row": found.row.hex(),
            "salt": found.salt.hex(),
            "path": [item.hex() for item in found.path],
            "attestations": [made.statement_id],
        }
        (tmp_path / "row.json").write_text(json.dumps(row | changes))

    return show


def test_a_given_row_is_proven_without_the_others(
    made: Made, judge: Judge, shown: Callable[..., None]
) -> None:
    shown()
    said = judge(made.bundle, "--skip-resampling", command="disclosure")
    assert said.startswith("0: VALID      row 2 of contribution ctr_1")
    assert "gr\u00eat, 2, 0.5" in said
    assert "acme.reviews/versions/13" in said


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"row": GIVEN[3].hex()}, "not one of the contribution"),
        ({"index": 3}, "not one of the contribution"),
        ({"index": 5}, "has no place"),
        ({"salt": "0" * 64}, "not one of the contribution"),
        ({"path": ["0" * 64] * 3}, "not one of the contribution"),
        ({"path": []}, "too short"),
        ({"size": 6}, "another number of rows"),
        ({"contribution": "ctr_2"}, "another number of rows"),
        ({"contribution": "ctr_9"}, "no such contribution"),
        ({"root": "0" * 64}, "not one of the contribution"),
        ({"attestations": []}, "not about this attestation"),
        ({"format": "other"}, "not a disclosure"),
        ({"more": 1}, "other fields"),
    ],
)
def test_a_row_that_was_not_given_is_not_proven(
    changes: Json, why: str, made: Made, judge: Judge, shown: Callable[..., None]
) -> None:
    shown(**changes)
    said = judge(made.bundle, "--skip-resampling", command="disclosure")
    assert said.startswith("1: INVALID")
    assert why in said


def test_securesystemslib_verifies_the_envelope(made: Made) -> None:
    envelope = Envelope.from_dict(json.loads(made.bundle)["envelope"])
    public = SSlibKey.from_crypto(SIGNER.public_key(), proofs.key_id(SIGNER))
    assert list(envelope.verify([public], 1)) == [proofs.key_id(SIGNER)]
    assert sha256_hex(envelope.payload) == made.statement_id


def chained(**changes: Any) -> Made:
    """A bundle with an EIP-712 part, changed after it was signed."""
    return make(
        Recipe(
            eip712=lambda statement: proofs.for_chain(statement) | changes,
            more_keys=(proofs.chain_key(),),
        )
    )


def test_the_signature_for_a_chain_is_recovered(judge: Judge) -> None:
    event, _ = proofs.chain_key()
    said = judge(chained().bundle, "--skip-resampling")
    assert said.startswith("0: VALID")
    assert f"EIP-712 signature of {event['address']}" in said


def test_every_field_of_the_typed_data_counts(judge: Judge) -> None:
    made = chained()
    bundle = json.loads(made.bundle)
    for path in scalars(bundle["eip712"]):
        *parents, last = path
        place = bundle["eip712"]
        for name in parents:
            place = place[name]
        kept, place[last] = place[last], another(place[last])
        assert judge(canonical_bytes(bundle), "--skip-resampling").startswith("1:"), path
        place[last] = kept


def test_a_signature_for_a_chain_that_does_not_hold_fails(judge: Judge) -> None:
    own = proofs.for_chain(make().statement)["signature"]
    for changes, why in (
        ({"signature": proofs.twin(own)}, "high-s twin"),
        ({"signature": own[:-2]}, "not 65 bytes"),
        ({"signature": own[:-2] + "00"}, "not 65 bytes"),
        ({"signer": proofs.ANNA}, "not one of the signer it names"),
        ({"key_id": proofs.key_id(OTHER)}, "introduces no key for chains"),
    ):
        assert why in judge(chained(**changes).bundle, "--skip-resampling")


def test_without_eth_account_the_chains_signature_is_said_to_be_unchecked(
    judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "eth_account", None)
    said = judge(chained().bundle, "--skip-resampling")
    assert "unchecked  EIP-712 signature: not checked here, without eth-account" in said
    bundle = json.loads(chained().bundle)
    bundle["eip712"]["typed_data"]["message"]["delta"] += 1
    assert "another delta" in judge(canonical_bytes(bundle), "--skip-resampling")
