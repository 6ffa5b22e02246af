"""Pages by keyset: the cursor names the last row shown, so no page costs more than the first."""

from typing import Any

from django.conf import settings
from django.core import signing
from django.db.models import Model, Q
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

MAX_PAGE_SIZE = 200
MAX_DIGITS = 9
PARAMETERS = ("cursor", "page_size", "ordering", "fields")
_SIGNER = signing.Signer(salt="hokusai.web.pagination")


class CursorPagination(BasePagination):
    """Newest first unless `ordering` names another of the view's `ordering_fields`.

    Rows that are inserted meanwhile neither repeat nor hide others. Cursors are signed public ids.
    """

    def paginate_queryset(
        self, queryset: Any, request: Request, view: Any | None = None
    ) -> list[Any]:
        """One page. Raises ValidationError for an unknown parameter, cursor, size or ordering."""
        self.request = request
        refuse_unknown(request, view)
        field, descending = ordering_of(request, getattr(view, "ordering_fields", ()))
        size = page_size_of(request)
        if cursor := request.query_params.get("cursor"):
            queryset = queryset.filter(_after(_row(queryset.model, cursor), field, descending))
        sign = "-" if descending else ""
        columns = dict.fromkeys((field, "pk"))
        rows = list(queryset.order_by(*(sign + column for column in columns))[: size + 1])
        self.last = rows[size - 1] if len(rows) > size else None
        return rows[:size]

    def get_paginated_response(self, data: Any) -> Response:
        """The page and where the next one is; null at the end."""
        return Response({"next": self._next_url(), "results": data})

    def _next_url(self) -> str | None:
        if self.last is None:
            return None
        cursor = _SIGNER.sign(self.last.public_id)
        return str(replace_query_param(self.request.build_absolute_uri(), "cursor", cursor))

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """How the API's description shows a page."""
        following = {"type": "string", "nullable": True, "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "results"],
            "properties": {"next": following, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """The query parameters of every list."""
        fields = getattr(view, "ordering_fields", ())
        orders = [sign + field for field in fields for sign in ("", "-")]
        ordering = {"type": "string", "enum": orders} if orders else {"type": "string"}
        return [
            _parameter("cursor", {"type": "string"}, "From `next` of the page before."),
            _parameter(
                "page_size", {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE}, "Rows."
            ),
            _parameter("ordering", ordering, "Newest first where absent."),
        ]


def refuse_unknown(request: Request, view: Any | None) -> None:
    """Raises ValidationError that names parameters which neither the list nor its filters read."""
    filters = getattr(getattr(view, "filterset_class", None), "base_filters", {})
    known = {*filters, *PARAMETERS, *getattr(view, "list_parameters", ())}
    if unknown := sorted(set(request.query_params) - known):
        raise ValidationError({name: ["Unknown to this list."] for name in unknown})


def ordering_of(request: Request, allowed: Any) -> tuple[str, bool]:
    """The column to order by and whether it descends; one not allowed is a ValidationError."""
    wish = request.query_params.get("ordering", "")
    if not wish:
        return "pk", True
    field = wish.removeprefix("-")
    if field not in allowed:
        choices = ", ".join(allowed) or "nothing else"
        raise ValidationError({"ordering": [f"Unknown; this list orders by {choices}."]})
    return field, wish.startswith("-")


def page_size_of(request: Request) -> int:
    """How many rows a page is to have; a size out of range is a ValidationError."""
    text = request.query_params.get("page_size", str(settings.REST_FRAMEWORK["PAGE_SIZE"]))
    size = int(text) if text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS else 0
    if not 1 <= size <= MAX_PAGE_SIZE:
        raise ValidationError({"page_size": [f"A whole number from 1 to {MAX_PAGE_SIZE}."]})
    return size


def _row(model: Any, cursor: str) -> Model:
    """The row that a cursor names; only cursors that we signed are looked up."""
    try:
        public_id = _SIGNER.unsign(cursor)
        row: Model = model.objects.get(public_id=public_id)
    except (signing.BadSignature, model.DoesNotExist) as error:
        raise ValidationError({"cursor": ["Unknown; start again without a cursor."]}) from error
    return row


def _after(row: Model, field: str, descending: bool) -> Q:
    side = "lt" if descending else "gt"
    beyond = Q(**{f"pk__{side}": row.pk})
    if field == "pk":
        return beyond
    value = getattr(row, field)
    return Q(**{f"{field}__{side}": value}) | Q(**{field: value}) & beyond


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "schema": schema,
        "description": description,
    }
