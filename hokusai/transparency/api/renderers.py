from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer


class NoteRenderer(BaseRenderer):
    """The checkpoint as the signed note that witnesses and verifiers take."""

    media_type = "text/plain"
    format = "note"
    charset = "utf-8"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """The note, byte for byte; an error in its one body."""
        if isinstance(data, Mapping) and "note" in data:
            return str(data["note"]).encode()
        return orjson.dumps(data, default=str)
