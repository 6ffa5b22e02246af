import orjson
import pytest

from hokusai.web.external.problems import IntrospectionFailed
from hokusai.web.external.verdicts import (
    DENIED,
    Identity,
    dump,
    parse,
    public_id_of,
    read_verdict,
    token_key,
)

ACTIVE = {"active": True, "sub": "7", "username": "ada", "project": "tides", "scope": "read"}


@pytest.mark.parametrize(
    "changes",
    [
        {"active": "true"},
        {"active": None},
        {"sub": None},
        {"username": ""},
        {"username": "a\0b"},
        {"project": 7},
        {"project": "p" * 201},
        {"scope": ["read"]},
        {"exp": "soon"},
        {"exp": True},
        {"models": "tides.a"},
        {"models": [7]},
        {"models": ["m"] * 101},
    ],
)
def test_an_answer_out_of_form_denies_nobody(changes):
    with pytest.raises(IntrospectionFailed):
        read_verdict(orjson.dumps({**ACTIVE, **changes}))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"active"'])
def test_what_is_no_object_denies_nobody(body):
    with pytest.raises(IntrospectionFailed):
        read_verdict(body)


def test_an_inactive_token_needs_no_more():
    assert read_verdict(b'{"active": false, "sub": 7}') == DENIED


def test_a_token_without_scopes_may_do_nothing():
    stated = {name: value for name, value in ACTIVE.items() if name != "scope"}
    assert read_verdict(orjson.dumps(stated)).scopes == frozenset()


def test_an_identity_survives_its_way_through_redis():
    identity = Identity("ext_1", "7", 1, 2, frozenset({"read"}), frozenset({"a.b"}), 3.5, 4.5, "6")
    assert parse(dump(identity)) == identity


def test_nothing_is_kept_longer_than_the_token_lasts():
    identity = Identity("ext_1", "7", 1, 2, frozenset(), frozenset(), 130.0, 100.0, "")
    assert (identity.ends(20.0), identity.ends(60.0)) == (120.0, 130.0)
    assert (identity.ended(129.0), identity.ended(130.0)) == (False, True)


def test_names_are_keyed_hashes(settings):
    key, name = token_key("token"), public_id_of("7", "tides")
    assert (len(key), len(name)) == (64, 36)
    assert public_id_of("7", "other") != name
    settings.API_KEY_PEPPER = "another"
    assert (token_key("token"), public_id_of("7", "tides")) != (key, name)
