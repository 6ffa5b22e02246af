from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.algorithms.exports import verify_export
from registry.algorithms.signatures import SignatureInvalid, split_keys
from registry.exceptions import SignatureRefused
from registry.signatures import all_keys


class Command(BaseCommand):
    """Verifies an exported folder with public keys alone; no database is asked."""

    help = "Verify an export: its signature, and that no file was added, removed or changed."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="as export_version wrote it")
        parser.add_argument("--key", type=Path, action="append", help="a public key (PEM)")

    def handle(self, *args: Any, **options: Any) -> str:
        try:
            keys = _given(options["key"]) if options["key"] else all_keys()
            if not keys:
                raise CommandError("No key is known here; name one with --key.")
            report = verify_export(options["folder"], keys)
        except (OSError, SignatureInvalid, SignatureRefused) as error:
            raise CommandError(f"Not verified: {error}") from error
        if report.problems:
            lines = "\n".join(f"  {line}" for line in report.problems)
            raise CommandError(f"Not verified: {len(report.problems)} problems\n{lines}")
        found = f"{report.file_count} files, tree {report.tree_digest}"
        return f"Verified {report.label}: {found}\n  signed with the key {report.key_id}"


def _given(paths: list[Path]) -> list[str]:
    keys = [pem for path in paths for pem in split_keys(path.read_text(encoding="ascii"))]
    if not keys:
        raise SignatureInvalid("The file holds no public key in PEM.")
    return keys
