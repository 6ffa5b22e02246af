from datetime import UTC, datetime

import pytest

from hokusai.core.errors import InvalidInput
from registry.search import MetricTerm, Order, TagTerm, given_in, read_search


def test_every_filter_of_a_query_is_read() -> None:
    search = read_search(
        given_in(
            "text=tide+gauge&tag=team%3Da&tag=lr>=0.5&metric=accuracy>=0.9&stage=staging"
            "&stage=production&flavor=sklearn&registered_after=2026-01-02&page_size=7"
        )
    )
    assert search.text == "tide gauge"
    assert search.tags == (TagTerm("team", "=", "a"), TagTerm("lr", ">=", "0.5", 0.5, "number"))
    assert search.metrics == (MetricTerm("accuracy", ">=", 0.9),)
    assert (search.stages, search.flavors) == (("staging", "production"), ("sklearn",))
    assert search.registered_after == datetime(2026, 1, 2, tzinfo=UTC)
    assert search.size == 7


def test_a_date_bounds_tags_that_are_dates() -> None:
    (term,) = read_search({"tag": ["cut<=2026-01-02"]}).tags
    assert (term.kind, term.number) == ("date", datetime(2026, 1, 2, tzinfo=UTC).timestamp())


def test_the_first_equals_sign_ends_a_tags_key() -> None:
    (term,) = read_search({"tag": ["formula=a=b"]}).tags
    assert (term.key, term.value) == ("formula", "a=b")


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("", Order()),
        ("newest", Order()),
        ("oldest", Order(descending=False)),
        ("-metric:f1", Order("metric", True, "f1")),
        ("metric:a:b", Order("metric", False, "a:b")),
    ],
)
def test_orderings(text: str, order: Order) -> None:
    assert read_search({"ordering": [text]}).order == order


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stage", "shipped"),
        ("tag", "team"),
        ("tag", "=a"),
        ("tag", "lr>=high"),
        ("metric", "accuracy>=nan"),
        ("metric", "accuracy"),
        ("registered_after", "yesterday"),
        ("page_size", "0"),
        ("page_size", "201"),
        ("ordering", "beauty"),
        ("ordering", "number"),
        ("dataset", "dst_1"),
        ("colour", "blue"),
    ],
)
def test_what_is_unknown_or_wrong_is_named(name: str, value: str) -> None:
    with pytest.raises(InvalidInput, match=name) as raised:
        read_search({name: [value]})
    assert name in raised.value.context["fields"]


def test_more_than_ten_tags_are_refused() -> None:
    read_search({"tag": [f"k{n}=v" for n in range(10)]})
    with pytest.raises(InvalidInput, match="tag"):
        read_search({"tag": [f"k{n}=v" for n in range(11)]})


@pytest.mark.parametrize("query", ["text=a%00b", "a%00=b", "text=" + "x" * 1001, "a=1&" * 300])
def test_a_query_that_cannot_be_kept_is_refused(query: str) -> None:
    with pytest.raises(InvalidInput):
        given_in(query)
