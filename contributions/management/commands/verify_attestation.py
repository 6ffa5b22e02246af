from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from contributions.algorithms.verification import verify_attestation
from hokusai.signers.choices import Purpose
from hokusai.signers.models import SigningKey


class Command(BaseCommand):
    """Verifies an envelope with public keys alone; a file of keys needs no database."""

    help = "Verify an attestation's envelope: signature, canonical form, schema, arithmetic."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the envelope as downloaded")
        parser.add_argument("--key", type=Path, action="append", help="a public key (PEM)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            content = options["file"].read_bytes()
            keys = [path.read_text() for path in options["key"] or ()] or _published()
            verified = verify_attestation(content, keys)
        except (OSError, ValueError) as error:
            raise CommandError(f"Not verified: {error}") from error
        self.stdout.write(f"Verified {verified.id}")
        self.stdout.write(f"  signed by {', '.join(verified.key_ids)}")
        self.stdout.write(f"  {verified.metric}: {verified.delta / 10_000:+.4f} percentage points")
        for contribution, points in verified.shares.items():
            self.stdout.write(f"  {contribution}: {points / 100:.2f} %")


def _published() -> list[str]:
    """This instance's own keys, where none is given.

    What a compromised one signed proves nothing without its place in the log.
    """
    keys = SigningKey.objects.of(Purpose.ATTESTATION).filter(compromised_at=None)
    return list(keys.values_list("public_pem", flat=True))
