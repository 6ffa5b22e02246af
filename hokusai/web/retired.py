"""How an answer tells that what it speaks of is retired: RFC 9745, RFC 8594, RFC 5829."""

from datetime import datetime

from django.utils.http import http_date


def retirement_headers(
    deprecated_at: datetime | None, sunset_at: datetime | None, successor: str
) -> dict[str, str]:
    """Since when it is deprecated, when it goes away, and the path of what replaces it.

    Nothing for what is not deprecated.
    """
    if deprecated_at is None:
        return {}
    headers = {"Deprecation": f"@{int(deprecated_at.timestamp())}"}
    if sunset_at is not None:
        headers["Sunset"] = http_date(sunset_at.timestamp())
    if successor:
        headers["Link"] = f'<{successor}>; rel="successor-version"'
    return headers
