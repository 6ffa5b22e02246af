import pytest
import redis

from hokusai.web.shelf import Shelf, ShelfDown


@pytest.fixture
def server(settings):
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.flushdb()
    return client


def test_what_is_told_is_there_for_who_asks_next(server):
    shelf = Shelf()
    shelf.tell("SET", "a", b"1")
    shelf.tell("SET", "b", b"2")
    assert shelf.ask("GET", "a") == b"1"
    assert shelf.ask("GET", "b") == b"2"
    assert shelf.ask("GET", "c") is None


def test_a_connection_that_was_closed_is_opened_again(server):
    shelf = Shelf()
    shelf.ask("SET", "a", b"1")
    server.client_kill_filter(_type="normal", skipme=True)
    assert shelf.ask("GET", "a") == b"1"


def test_without_redis_only_the_first_in_a_second_waits(settings, monkeypatch):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    shelf, tries = Shelf(), []
    send = shelf._send
    monkeypatch.setattr(shelf, "_send", lambda *given: (tries.append(given), send(*given)))
    for _ in range(3):
        with pytest.raises(ShelfDown):
            shelf.ask("GET", "a")
        with pytest.raises(ShelfDown):
            shelf.tell("SET", "a", b"1")
    assert len(tries) == 1


def test_an_error_of_a_command_that_was_told_is_not_taken_for_the_next_answer(server):
    shelf = Shelf()
    shelf.tell("SET", "a", b"1", "EX", "never")
    with pytest.raises(ShelfDown):
        shelf.ask("GET", "a")


def test_a_script_that_redis_does_not_know_is_no_outage(server):
    shelf = Shelf()
    with pytest.raises(redis.exceptions.NoScriptError):
        shelf.ask("EVALSHA", "0" * 40, 0)
    assert shelf.ask("EVAL", "return 7", 0) == 7
    assert shelf.ask("ECHO", "x") == b"x"
