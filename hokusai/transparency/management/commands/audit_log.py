from typing import Any

from django.core.management.base import BaseCommand, CommandError

from hokusai.transparency import services


class Command(BaseCommand):
    """Recomputes the transparency log and the chain of events from the rows they tell of."""

    help = "Recompute the transparency log; exit 1 and name the first differences where it is not."

    def handle(self, *args: Any, **options: Any) -> None:
        report = services.audit(lambda percent, note: self.stderr.write(f"{percent} % {note}"))
        self.stdout.write("\n".join(report.lines()))
        if not report.holds:
            raise CommandError("The log is not what its rows say.")
