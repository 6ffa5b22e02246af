"""What serving puts on the page of a model."""

from django.http import HttpRequest

from deployments import board, board_cells
from deployments.models import Deployment
from hokusai.web import markup
from hokusai.web.panels import Panel, table
from registry.models import Model

PLACES_SHOWN = 20


def serves(request: HttpRequest, model: Model) -> Panel:
    """Where a model serves, with the figures of the last seconds."""
    places = list(
        Deployment.objects.of_member(request.user)
        .filter(model=model)
        .select_related("model__project")
        .order_by("status", "-id")[:PLACES_SHOWN]
    )
    found = board.standings(places)
    rows = [
        (
            markup.object_link(place, place.slug),
            board_cells.state(found[place.pk]),
            board_cells.environment(found[place.pk]),
            board_cells.version(found[place.pk]),
            board_cells.requests(found[place.pk]),
            board_cells.latency(found[place.pk]),
            board_cells.errors(found[place.pk]),
            markup.moment(found[place.pk].since),
        )
        for place in places
    ]
    headers = (
        *("Place", "State", "Environment", "Version", "Requests/s", "p50 / p95", "Errors"),
        "Since",
    )
    return table(
        "Serving",
        headers,
        rows,
        empty="Serves nowhere. Open a version that is ready and choose Deploy.",
    )
