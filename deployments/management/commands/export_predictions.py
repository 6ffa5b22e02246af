from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_date, parse_datetime

from deployments.models import Deployment
from deployments.prediction_log.exporting import check_span, write_events
from hokusai.core.errors import DomainError

A_DAY = timedelta(days=1)


class Command(BaseCommand):
    """Writes logged predictions to a file, as `…/predictions/export` writes them to the store."""

    help = "Write a deployment's logged predictions as CloudEvents, one JSON document per line."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("deployment", help="its public id")
        parser.add_argument("file", type=Path, help="must not be there yet")
        parser.add_argument("--since", required=True, help="a day or a moment, UTC unless it says")
        parser.add_argument("--until", default="", help="likewise; a day after --since if absent")

    def handle(self, *args: Any, **options: Any) -> str:
        name, since = options["deployment"], _moment(options["since"])
        until = _moment(options["until"]) if options["until"] else since + A_DAY
        deployment = Deployment.objects.filter(public_id=name).first()
        if deployment is None:
            raise CommandError(f"There is no deployment {name}.")
        try:
            check_span(since, until)
            with options["file"].open("xb") as file:
                told = [events for events, _ in write_events(deployment, since, until, file)]
        except (DomainError, OSError) as error:
            raise CommandError(f"Not exported: {error}") from error
        return f"Wrote {told[-1] if told else 0} events of {deployment} to {options['file']}."


def _moment(text: str) -> datetime:
    try:
        found = parse_datetime(text)
        day = parse_date(text) if found is None else None
    except ValueError as error:
        raise CommandError(f"{text} is no moment: {error}") from error
    if day is not None:
        found = datetime.combine(day, time.min)
    if found is None:
        raise CommandError(f"{text} is neither a day, as 2026-03-01, nor a moment.")
    return found if found.tzinfo else found.replace(tzinfo=UTC)
