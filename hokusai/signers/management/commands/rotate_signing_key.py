from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hokusai.core.errors import DomainError
from hokusai.core.events import SYSTEM
from hokusai.signers.choices import HELD
from hokusai.signers.services import request_rotation


class Command(BaseCommand):
    """Asks the signer to introduce the key that it was given and to retire the one before it."""

    help = "Introduce the signer's new key; the one before it ends after KEY_OVERLAP_H."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("purpose", choices=[str(purpose.value) for purpose in HELD])

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            job = request_rotation(purpose=options["purpose"], actor=SYSTEM)
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Asked the signer: {job.public_id}.")
