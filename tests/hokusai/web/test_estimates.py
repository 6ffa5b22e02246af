import pytest
from django.core.paginator import EmptyPage

from hokusai.core.models import Event
from hokusai.web import estimates
from hokusai.web.estimates import EstimatingPaginator, rows_about
from tests.factories import EventFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def low_cap(monkeypatch) -> None:
    monkeypatch.setattr(estimates, "COUNT_CAP", 4)


def test_a_small_table_is_counted_exactly() -> None:
    EventFactory.create_batch(3)
    assert rows_about(Event.objects.all()) == 3


def test_filtered_rows_past_the_cap_are_told_as_the_cap(low_cap: None) -> None:
    EventFactory.create_batch(6)
    assert rows_about(Event.objects.filter(tag="version:registered")) == 4


def test_a_whole_table_past_the_cap_is_at_least_the_cap(low_cap: None) -> None:
    EventFactory.create_batch(6)
    assert rows_about(Event.objects.all()) >= 4


def test_pages_past_the_cap_cannot_be_opened(low_cap: None) -> None:
    EventFactory.create_batch(6)
    paginator = EstimatingPaginator(Event.objects.all(), 2)
    assert paginator.num_pages == 2
    with pytest.raises(EmptyPage):
        paginator.page(3)


def test_counting_reads_no_more_rows_than_the_cap(low_cap: None, django_assert_num_queries) -> None:
    EventFactory.create_batch(6)
    with django_assert_num_queries(1) as captured:
        rows_about(Event.objects.filter(tag="version:registered"))
    assert "LIMIT 5" in captured.captured_queries[0]["sql"]


def test_a_list_is_counted_as_it_is() -> None:
    assert EstimatingPaginator([1, 2, 3], 2).num_pages == 2
