"""Finding versions: filters in, one statement out, visibility inside it."""

from registry.search.criteria import MetricTerm, Order, TagTerm, VersionSearch
from registry.search.cursors import cursor_after
from registry.search.facets import Facets, facets_of
from registry.search.reading import FILTERS, PAGING, given_in, read_search, refuse_unknown, wrong
from registry.search.sql import Sql, joined, keys_of, matching
from registry.search.viewers import Viewer, viewer_of_key, viewer_of_person

__all__ = [
    "FILTERS",
    "PAGING",
    "Facets",
    "MetricTerm",
    "Order",
    "Sql",
    "TagTerm",
    "VersionSearch",
    "Viewer",
    "cursor_after",
    "facets_of",
    "given_in",
    "joined",
    "keys_of",
    "matching",
    "read_search",
    "refuse_unknown",
    "viewer_of_key",
    "viewer_of_person",
    "wrong",
]
