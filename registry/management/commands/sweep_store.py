from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hokusai.core.errors import OutsideUnavailable
from hokusai.core.events import SYSTEM
from hokusai.storage.sweeping import GRACE, SweepReport
from registry.content import sweep_store

SHOWN = 20
HOUR = timedelta(hours=1)


class Command(BaseCommand):
    """Marks, verifies and sweeps the content store."""

    help = "Report what in the content store nobody refers to, and remove it with --apply."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--apply", action="store_true", help="remove it; else only report")
        parser.add_argument("--verify", action="store_true", help="read every kept byte again")
        parser.add_argument(
            "--grace-hours",
            type=float,
            default=GRACE / HOUR,
            help="whatever was stored since then stays (default: %(default)g)",
        )

    def handle(self, *args: Any, **options: Any) -> str:
        if options["grace_hours"] < 1:
            raise CommandError("Copies may run for an hour before their content is named.")
        try:
            report = sweep_store(
                actor=SYSTEM,
                grace=options["grace_hours"] * HOUR,
                verify=options["verify"],
                apply=options["apply"],
            )
        except OutsideUnavailable as error:
            raise CommandError(str(error)) from error
        return "\n".join(_lines(report, applied=options["apply"]))


def _lines(report: SweepReport, *, applied: bool) -> list[str]:
    unreferenced = f"{len(report.unreferenced)} objects, {report.unreferenced_bytes} bytes"
    lines = [
        f"Kept:         {report.kept} objects, {report.kept_bytes} bytes",
        f"Verified:     {report.verified} blobs",
        f"Too young:    {report.too_young} objects that nobody refers to yet",
        f"Unreferenced: {unreferenced}",
        f"Missing:      {len(report.missing)}",
        *_named(report.missing),
        f"Damaged:      {len(report.damaged)}",
        *_named(report.damaged),
        f"Uploads:      {report.stale_uploads} that nobody finished for a week",
    ]
    if report.blobs_held_back:
        lines.append("No blob is removed: a tree that is referred to cannot be read.")
    if applied:
        return [*lines, f"Removed:      {report.removed} objects, {report.removed_bytes} bytes"]
    return [*lines, "Nothing was removed; --apply removes what is unreferenced or unfinished."]


def _named(references: list[Any]) -> list[str]:
    named = [f"  {kind} {digest}" for kind, digest in references[:SHOWN]]
    more = len(references) - SHOWN
    return [*named, f"  and {more} more"] if more > 0 else named
