"""The first page: what happened, and what waits for somebody."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

from hokusai.web.panels import Panel


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Fill the dashboard's template with the panels that the setting CONSOLE_PANELS names."""
    panels: list[Panel] = []
    for path in settings.CONSOLE_PANELS:
        panel: Panel = import_string(path)(request.user)
        panels.append(panel)
    return {**context, "panels": panels, "opts": None}
