"""Lists of millions of rows in the console: pages by key, so that the last costs as the first."""

from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ORDER_VAR
from django.http import HttpRequest
from unfold.views import ChangeList

from hokusai.web.estimates import COUNT_CAP, EstimatingPaginator, rows_about

BEFORE, AFTER = "before", "after"
MAX_DIGITS = 18


class KeysetPaginator(EstimatingPaginator):
    """What the list's foot shows: where the neighbouring pages begin, and how many rows about."""

    template_name = "console/keyset.html"
    newer: str | None = None
    older: str | None = None

    @property
    def shown_count(self) -> str:
        """Rows; above ten thousand no exact number."""
        if self.count < COUNT_CAP:
            return f"{self.count:,}"
        return f"about {self.count:,}" if self.count > COUNT_CAP else f"more than {COUNT_CAP:,}"


class KeysetChangeList(ChangeList):
    """Newest first, older and newer pages by `?before=` and `?after=` a key.

    A list that is sorted by a column has numbered pages over its first ten thousand rows.
    """

    def get_filters_params(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Parameters that filters read."""
        given: dict[str, Any] = super().get_filters_params(params)
        return {name: value for name, value in given.items() if name not in (BEFORE, AFTER)}

    def get_results(self, request: HttpRequest) -> None:
        """One page. Raises IncorrectLookupParameters for a key that is none."""
        if ORDER_VAR in self.params:
            super().get_results(request)
            return
        rows, paginator = self._page(request)
        self.result_list = rows
        self.result_count = self.full_result_count = paginator.count
        self.show_full_result_count = False
        self.show_admin_actions = bool(rows)
        self.can_show_all = self.multi_page = False
        self.page_num = 1
        self.paginator = paginator

    def _page(self, request: HttpRequest) -> tuple[list[Any], KeysetPaginator]:
        after, before = _key(request, AFTER), _key(request, BEFORE)
        size = self.list_per_page
        newest = self.queryset.order_by("-pk")
        if after is not None:
            found = list(self.queryset.filter(pk__gt=after).order_by("pk")[: size + 1])
            rows, more = found[:size][::-1], len(found) > size
            older, newer = bool(rows), more
        else:
            found = list((newest if before is None else newest.filter(pk__lt=before))[: size + 1])
            rows, older, newer = found[:size], len(found) > size, before is not None
        paginator = KeysetPaginator(self.queryset, size)
        paginator.count = len(rows) if not (older or newer) else rows_about(self.queryset)
        paginator.older = self._url(BEFORE, rows[-1].pk) if older and rows else None
        paginator.newer = self._url(AFTER, rows[0].pk) if newer and rows else None
        return rows, paginator

    def _url(self, name: str, key: int) -> str:
        kept = {**self.filter_params, **({"q": [self.query]} if self.query else {})}
        return f"?{urlencode({**kept, name: key}, doseq=True)}"


def _key(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS):
        raise IncorrectLookupParameters
    return int(text)
