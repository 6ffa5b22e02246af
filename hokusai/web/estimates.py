"""Counting that stays cheap on a table of millions."""

from django.core.paginator import Paginator
from django.db import connections
from django.db.models import QuerySet
from django.utils.functional import cached_property

COUNT_CAP = 10_000


def rows_about(queryset: QuerySet) -> int:
    """How many rows a queryset has: exact to 10,000, above that an estimate or the cap itself."""
    exact = queryset.order_by()[: COUNT_CAP + 1].count()
    if exact <= COUNT_CAP:
        return exact
    if queryset.query.where:
        return COUNT_CAP
    return max(_table_estimate(queryset), COUNT_CAP)


def _table_estimate(queryset: QuerySet) -> int:
    """What PostgreSQL's statistics say of the whole table."""
    with connections[queryset.db].cursor() as cursor:
        cursor.execute(
            "SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass",
            [queryset.model._meta.db_table],  # noqa: SLF001
        )
        row = cursor.fetchone()
    return int(row[0]) if row else 0


class EstimatingPaginator(Paginator):
    """Pages over the first 10,000 rows; who looks for more filters or searches."""

    @cached_property
    def count(self) -> int:
        """Rows, at most a few milliseconds' worth of counting."""
        if isinstance(self.object_list, QuerySet):
            return rows_about(self.object_list)
        return len(self.object_list)

    @cached_property
    def num_pages(self) -> int:
        """Pages that can be opened: a deep OFFSET reads all rows before it."""
        reachable = min(self.count, COUNT_CAP)
        return max(1, -(-reachable // self.per_page))
