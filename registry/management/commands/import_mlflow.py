import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hokusai.accounts.models import Project, User
from hokusai.accounts.services import actor_of
from hokusai.core import jobs
from hokusai.core.errors import DomainError
from hokusai.core.models import Job
from registry import services
from registry.models import TrackingImport


class Command(BaseCommand):
    """Takes over a tracking server, here and now; without --apply it only reports."""

    help = "Import models, versions, aliases, experiments and runs of an MLflow server."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--server", default="default", help="alias of the setting TRACKING")
        parser.add_argument("--project", help="takes what no mapped experiment claims")
        parser.add_argument(
            "--map-experiments",
            action="store_true",
            help="experiments of no project belong to --project from then on, with their runs",
        )
        parser.add_argument("--user", help="in whose name; the first superuser otherwise")
        parser.add_argument("--apply", action="store_true", help="import; else a dry run")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            row = services.start_import(
                server=options["server"],
                project=_project(options["project"]),
                dry_run=not options["apply"],
                map_experiments=options["map_experiments"],
                actor=actor_of(_user(options["user"])),
            )
        except DomainError as error:
            raise CommandError(str(error)) from error
        jobs.run(Job.objects.get(subject=row.public_id).pk)
        self._tell(TrackingImport.objects.get(pk=row.pk))

    def _tell(self, row: TrackingImport) -> None:
        job = Job.objects.get(subject=row.public_id)
        if row.finished_at is None:
            raise CommandError(f"Not finished: {job.last_error or job.status}. A worker goes on.")
        if "failed" in row.report:
            raise CommandError(f"Failed: {row.report['failed']}")
        self.stdout.write(json.dumps(row.report, indent=2, sort_keys=True))
        done = "Reported; nothing was changed." if row.dry_run else "Imported."
        self.stdout.write(f"{row.public_id}: {done}")


def _project(slug: str | None) -> Project | None:
    if slug is None:
        return None
    found = Project.objects.filter(slug=slug).first()
    if found is None:
        raise CommandError(f"There is no project {slug!r}.")
    return found


def _user(username: str | None) -> User:
    people = User.objects.filter(is_superuser=True, is_active=True).order_by("pk")
    found = people.filter(username=username).first() if username else people.first()
    if found is None:
        raise CommandError("An import is made in the name of a superuser; there is none.")
    return found
