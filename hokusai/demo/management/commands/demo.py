import logging
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from hokusai.core.errors import DomainError
from hokusai.demo import data, proof, story
from hokusai.demo.people import password
from hokusai.demo.telling import Teller


class Command(BaseCommand):
    """Tells the story of the improvement loop against a running platform."""

    help = "Run the improvement loop on real data, through the API and MLflow of a running stack."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--base-url", default=settings.BASE_URL)

    def handle(self, *args: Any, **options: Any) -> None:
        logging.getLogger("django_structlog").setLevel(logging.WARNING)
        steps = [*story.telling_order(), *proof.telling_order()]
        teller = Teller(self._say, len(steps))
        told = story.Story(
            base_url=options["base_url"],
            tracking_uri=settings.MLFLOW_TRACKING_URI,
            teller=teller,
            rows=data.digits(),
        )
        try:
            for title, step in steps:
                with teller.step(title):
                    step(told)
        except (DomainError, OSError) as error:
            raise CommandError(f"The story stopped: {error}") from error
        self._say(f"Every step held, in {teller.seconds:.0f} s.")
        self._say(f"Log in as admin, ada, rosa, sam, chidi or mira; password: {password()}")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
