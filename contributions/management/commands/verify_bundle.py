import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from contributions.bundles import trust_of_this_instance

SCRIPT = Path("docs", "attestation", "verify_hokusai.py")


class Command(BaseCommand):
    """Runs the verifier that strangers run; a trust file needs no database."""

    help = "Verify a proof bundle with docs/attestation/verify_hokusai.py."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the bundle as downloaded")
        parser.add_argument("--trust", type=Path, help="whom to believe; without: this instance")
        parser.add_argument("--at", help="judge as of this time (2026-11-20T08:05:00Z), not now")

    def handle(self, *args: Any, **options: Any) -> None:
        verifier = load_verifier()
        when = ["--at", options["at"]] if options["at"] else []
        given = verifier.parser().parse_args(["verify", str(options["file"]), *when])
        try:
            stated = _stated(options["trust"])
            facts, text = verifier.run(given, stated)
        except (verifier.Rejected, OSError, *verifier.MALFORMED) as error:
            raise CommandError(f"Not verified: {error}") from error
        self.stdout.write(text)
        self.stdout.write(f"Verified {facts['attestation']}")


def load_verifier() -> ModuleType:
    """The stand-alone verifier as a module."""
    spec = importlib.util.spec_from_file_location("verify_hokusai", settings.BASE_DIR / SCRIPT)
    if spec is None or spec.loader is None:
        raise CommandError("The verifier is not installed beside the platform.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _stated(path: Path | None) -> bytes:
    """The trust file's bytes."""
    if path is None:
        return json.dumps(trust_of_this_instance()).encode()
    return path.read_bytes()
