import hashlib
import hmac

from pytest_django import Settings

from hokusai.accounts import keys


def test_a_secret_says_what_it_is_and_holds_256_random_bits() -> None:
    made = {keys.new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(secret.startswith(keys.KEY_PREFIX) for secret in made)
    assert {len(secret) for secret in made} == {len(keys.KEY_PREFIX) + 43}


def test_the_visible_part_fits_its_column_and_gives_little_away() -> None:
    secret = keys.new_secret()
    prefix = keys.visible_prefix(secret)
    assert secret.startswith(prefix)
    assert len(prefix) == 10


def test_the_hash_is_keyed_by_the_pepper(settings: Settings) -> None:
    settings.API_KEY_PEPPER = "one"
    first = keys.secret_hash("hok_x")
    assert first == hmac.digest(b"one", b"hok_x", hashlib.sha256)
    settings.API_KEY_PEPPER = "two"
    assert keys.secret_hash("hok_x") != first
