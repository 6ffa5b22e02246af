from urllib.parse import parse_qsl

import pytest

from hokusai.storehouse.signing import LinkRefused, check, signed_query

SECRET, PATH = "s" * 32, "/parts/x/1"


def _signed(**changes: str) -> dict[str, str]:
    query = signed_query(SECRET, "PUT", PATH, {"max": "100"}, expires_at_s=1000)
    return {**dict(parse_qsl(query)), **changes}


def test_a_link_permits_until_it_expires() -> None:
    check(SECRET, "PUT", PATH, _signed(), now_s=1000)
    with pytest.raises(LinkRefused, match="time"):
        check(SECRET, "PUT", PATH, _signed(), now_s=1001)


@pytest.mark.parametrize(
    "changes",
    [
        {"max": "101"},
        {"expires": "2000"},
        {"more": "1"},
        {"signature": "0" * 64},
        {"signature": "ä"},
    ],
    ids=["limit", "time", "addition", "signature", "other letters"],
)
def test_a_changed_link_permits_nothing(changes: dict[str, str]) -> None:
    with pytest.raises(LinkRefused, match="signature"):
        check(SECRET, "PUT", PATH, _signed(**changes), now_s=0)


def test_a_link_permits_one_method_on_one_path_under_one_secret() -> None:
    for secret, method, path in (
        (SECRET, "GET", PATH),
        (SECRET, "PUT", "/parts/x/2"),
        ("t" * 32, "PUT", PATH),
        ("", "PUT", PATH),
    ):
        with pytest.raises(LinkRefused):
            check(secret, method, path, _signed(), now_s=0)


def test_nothing_is_signed_without_a_secret() -> None:
    with pytest.raises(ValueError, match="secret"):
        signed_query("", "GET", PATH, {}, expires_at_s=1)


def test_where_a_value_ends_cannot_be_moved() -> None:
    one = dict(parse_qsl(signed_query(SECRET, "GET", PATH, {"a": "1&b=2"}, expires_at_s=9)))
    with pytest.raises(LinkRefused):
        check(SECRET, "GET", PATH, {**one, "a": "1", "b": "2"}, now_s=0)
