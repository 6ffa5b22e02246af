"""How those who still ask for a retired version are told, in the headers of the answer."""

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

from registry.models import ModelVersion

API: Final = "/api/v1"


def headers(version: ModelVersion) -> dict[str, str]:
    """What an answer about a version says of its end; empty for one that stays."""
    successor = version.successor
    return header_values(
        version.model.model_id,
        deprecated_at=version.deprecated_at,
        sunset_at=version.sunset_at,
        successor=successor.number if successor else None,
    )


def header_values(
    model_id: str,
    *,
    deprecated_at: datetime | None,
    sunset_at: datetime | None,
    successor: int | None,
) -> dict[str, str]:
    """The same from columns, for answers without a model instance.

    `Deprecation` (RFC 9745) is a time in seconds, `Sunset` (RFC 8594) an HTTP date; the successor
    is a version of the same model.
    """
    if deprecated_at is None:
        return {}
    found = {"Deprecation": f"@{int(deprecated_at.timestamp())}"}
    if sunset_at is not None:
        found["Sunset"] = http_date(sunset_at)
    if successor is not None:
        path = f"{API}/models/{model_id}/versions/{successor}"
        found["Link"] = f'<{path}>; rel="successor-version"'
    return found


def http_date(at: datetime) -> str:
    """A time as HTTP writes it (IMF-fixdate, RFC 9110)."""
    return format_datetime(datetime.fromtimestamp(at.timestamp(), tz=UTC), usegmt=True)
