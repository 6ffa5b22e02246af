import pytest
from hypothesis import given
from hypothesis import strategies as st

from contributions.algorithms.status_entries import path_of
from hokusai.core.merkle import leaf_hash, root
from hokusai.transparency.algorithms.proofs import verify_inclusion


@given(st.integers(1, 40), st.data())
def test_every_entry_leads_to_the_root(size: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(bytes([number])) for number in range(size)]
    index = data.draw(st.integers(0, size - 1))
    verify_inclusion(
        index=index,
        size=size,
        leaf_hash=leaves[index],
        proof=path_of(leaves, index),
        root=root(leaves),
    )


@pytest.mark.parametrize("index", [-1, 3])
def test_an_entry_that_is_not_there_has_no_way(index: int) -> None:
    with pytest.raises(IndexError):
        path_of([b"a", b"b", b"c"], index)
