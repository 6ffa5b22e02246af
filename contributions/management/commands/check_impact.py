from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from contributions.rollups import differences, rebuild

SHOWN = 20


class Command(BaseCommand):
    """Holds the sums of credit against the attested shares that they are made of."""

    help = "Recompute every sum of credit from the attested shares and name what differs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--repair", action="store_true", help="make the sums anew")

    def handle(self, *args: Any, **options: Any) -> None:
        found = differences()
        for item in found[:SHOWN]:
            self.stdout.write(f"{item.where}: {item.kept_e10} is kept, {item.true_e10} is true")
        if not found:
            self.stdout.write("Every sum of credit is what its attested shares say.")
        elif options["repair"]:
            self.stdout.write(f"{rebuild()} daily sums were made anew.")
        else:
            raise CommandError(f"{len(found)} sums differ; --repair makes them anew.")
