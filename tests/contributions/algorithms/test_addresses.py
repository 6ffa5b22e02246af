import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contributions.algorithms.addresses import InvalidAddress, normalise_address

# The vectors of EIP-55.
VECTORS = [
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0xde709f2102306220921060314715629080e2fb77",
]


@pytest.mark.parametrize("address", VECTORS)
def test_the_published_vectors_are_their_own_form(address: str) -> None:
    assert normalise_address(address) == address
    assert normalise_address(address.lower()) == address
    assert normalise_address("0x" + address[2:].upper()) == address
    assert normalise_address(f" {address}\n") == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0x",
        "0x" + "0" * 40,
        "0x" + "1" * 39,
        "0x" + "1" * 41,
        "0x" + "g" * 40,
        VECTORS[0][2:],
        "0X" + VECTORS[0][2:],
        VECTORS[0].swapcase().replace("X", "x"),
        VECTORS[0][:-1] + "D",
        "vitalik.eth",
    ],
)
def test_what_is_not_an_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidAddress):
        normalise_address(text)


@settings(deadline=None)
@given(st.binary(min_size=20, max_size=20).filter(any))
def test_normalising_twice_changes_nothing(account: bytes) -> None:
    once = normalise_address("0x" + account.hex())

    assert normalise_address(once) == once
