import pytest

from hokusai.transparency.algorithms.checkpoints import CheckpointText
from hokusai.transparency.algorithms.notes import NoteError

# The example of c2sp.org/tlog-checkpoint.
EXAMPLE = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"


def test_the_example_of_the_specification_is_read_and_written_back() -> None:
    found = CheckpointText.of(EXAMPLE)
    assert (found.origin, found.size, len(found.root)) == (
        "example.com/behind-the-sofa",
        20_852_163,
        32,
    )
    assert str(found) == EXAMPLE


def test_further_lines_are_left_out() -> None:
    assert CheckpointText.of(EXAMPLE + "more\n") == CheckpointText.of(EXAMPLE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("20852163", "020852163"),
        ("20852163", "-1"),
        ("20852163", "\N{FULLWIDTH DIGIT ONE}"),
        ("20852163", "9" * 20),
        ("CsUY", "Cs*Y"),
        ("CsUYapGG", "CsUY"),
        ("example.com/behind-the-sofa", ""),
        ("\n20852163", ""),
    ],
)
def test_what_is_no_checkpoint_is_refused(old: str, new: str) -> None:
    with pytest.raises(NoteError):
        CheckpointText.of(EXAMPLE.replace(old, new))


def test_an_origin_names_a_key_as_well_and_has_no_spaces() -> None:
    with pytest.raises(NoteError):
        str(CheckpointText("two words", 0, bytes(32)))
