from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hokusai.core.errors import DomainError
from hokusai.core.events import SYSTEM
from registry.exporting import export_version
from registry.models import ModelVersion


class Command(BaseCommand):
    """Writes one version's files, signatures, card and manifest."""

    help = "Export a version into a folder that verify_export checks anywhere."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("model_id", help="as in project.model")
        parser.add_argument("number", type=int, help="the version's number")
        parser.add_argument("folder", type=Path, help="new or empty")

    def handle(self, *args: Any, **options: Any) -> str:
        name, number = options["model_id"], options["number"]
        rows = ModelVersion.objects.with_names().filter(model__model_id=name, number=number)
        version = rows.first()
        if version is None:
            raise CommandError(f"There is no version {number} of {name}.")
        try:
            manifest = export_version(version=version, folder=options["folder"], actor=SYSTEM)
        except (DomainError, OSError) as error:
            raise CommandError(f"Not exported: {error}") from error
        size = f"{len(manifest.files)} files, {manifest.size_bytes} bytes"
        return f"Exported {version} to {options['folder']}: {size}\n  tree {manifest.digest}"
