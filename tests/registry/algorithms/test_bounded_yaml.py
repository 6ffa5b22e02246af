import pytest

from registry.algorithms.bounded_yaml import YamlRefused, load_plain


def test_plain_values_are_read() -> None:
    assert load_plain("a: 1\nb: [x, null]\n") == {"a": 1, "b": ["x", None]}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: &x [1]\nb: *x\n", "alias"),
        ("a: 1\na: 2\n", "twice"),
        ("a: !!python/object/apply:os.system [id]\n", "no YAML"),
        ("a: [", "no YAML"),
        ("[" * 5_000, "deep"),
        ("a: 2026-99-99\n", "cannot be read"),
        ("? [a]\n: 1\n", "no YAML"),
        ("a: b\n" * 10, "larger"),
    ],
)
def test_what_could_grow_or_run_is_refused(text: str, reason: str) -> None:
    with pytest.raises(YamlRefused, match=reason):
        load_plain(text, max_bytes=40 if reason == "larger" else 100_000)
