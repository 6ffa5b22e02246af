from typing import Any

from django.core.management.base import BaseCommand, CommandError

from contributions.signing import cosign_pending
from hokusai.core.errors import DomainError


class Command(BaseCommand):
    """Signs, with the key of this process, what waits for further signers."""

    help = (
        "Recompute each attestation that waits for a further signature and sign it with the key"
        " that this process' environment names. Safe to repeat."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            outcomes = cosign_pending()
        except DomainError as error:
            raise CommandError(str(error)) from error
        for outcome in outcomes:
            verdict = "signed" if outcome.signed else "refused"
            self.stdout.write(f"{outcome.attestation.improvement}: {verdict}; {outcome.text}")
        self.stdout.write(f"{len(outcomes)} looked at")
        if not all(outcome.signed for outcome in outcomes):
            raise CommandError("Some were refused.")
