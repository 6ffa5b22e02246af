from collections.abc import Mapping
from typing import IO, Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser


class OrjsonParser(BaseParser):
    """JSON in UTF-8 that can be stored and answered: no NaN, no lone surrogates, bounded depth."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The body's value. Raises ParseError."""
        try:
            value = orjson.loads(stream.read())
            # orjson reads deeper than it writes, and deeper than Python prints.
            orjson.dumps(value)
        except orjson.JSONDecodeError as error:
            raise ParseError(f"The body is no JSON: {error.msg}.") from error
        except TypeError as error:
            raise ParseError("The body is nested too deeply.") from error
        return value
