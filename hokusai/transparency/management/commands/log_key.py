from typing import Any

from django.core.management.base import BaseCommand, CommandError

from hokusai.transparency.policy import log_keys


class Command(BaseCommand):
    """Prints the log's keys as witnesses are given them."""

    help = "Print the keys of the transparency log as name+hash+base64, the newest first."

    def handle(self, *args: Any, **options: Any) -> None:
        keys = log_keys()
        if not keys:
            raise CommandError("The log has no key yet: its first checkpoint introduces one.")
        self.stdout.write("\n".join(map(str, keys)))
