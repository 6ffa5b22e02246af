from dataclasses import replace

from contributions.algorithms.chain_message import message_of
from contributions.algorithms.statement import AttributionRecord, statement_id
from hokusai.signers.algorithms.eip712 import word_of
from hokusai.signers.algorithms.eip712_rules import check_message
from tests.contributions.algorithms.examples import ANNA, BEN, SHARES, statement


def test_a_message_holds_the_statements_numbers_and_is_in_form() -> None:
    made = statement()
    message = message_of(made)
    assert message is not None
    check_message(message)
    assert message["attestationId"] == f"0x{statement_id(made)}"
    assert message["modelId"] == word_of("acme.sentiment")
    assert (message["delta"], message["scale"], message["sampleCount"]) == (18_250, 10**6, 4000)
    assert message["candidateDigest"] == "0x" + "a" * 64
    assert message["issuedAt"] < message["deadline"]


def test_contributors_come_by_address_each_once_and_whole() -> None:
    twice = replace(SHARES[0], id="con_3", weight_bps=1000)
    made = statement(contributions=(*SHARES[1:], replace(SHARES[0], weight_bps=2333), twice))
    message = message_of(made)
    assert message is not None
    assert message["contributors"] == [
        {"account": ANNA, "weightBps": 6667},
        {"account": BEN, "weightBps": 3333},
    ]


def test_where_nobody_is_credited_there_is_no_message() -> None:
    unpaid = AttributionRecord("exact-shapley/1", 0, "not_confirmed", 4)
    assert message_of(statement(attribution=unpaid, contributions=())) is None
