from hokusai.web.external.memory import Kept


def test_an_entry_ends_at_its_moment(clock):
    kept: Kept[int] = Kept(3)
    kept.put("a", 1, clock.time() + 10)
    assert kept.get("a") == 1
    clock.forward(10)
    assert kept.get("a") is None
    assert len(kept) == 0


def test_the_least_recently_used_goes_first(clock):
    kept: Kept[int] = Kept(2)
    later = clock.time() + 10
    kept.put("a", 1, later)
    kept.put("b", 2, later)
    kept.get("a")
    kept.put("c", 3, later)
    assert [kept.get(name) for name in "abc"] == [1, None, 3]


def test_what_was_dropped_is_gone(clock):
    kept: Kept[int] = Kept(2)
    kept.put("a", 1, clock.time() + 10)
    kept.drop("a")
    kept.drop("never there")
    assert kept.get("a") is None
