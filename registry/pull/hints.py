"""Fetching one model or version anew, because somebody said that it changed."""

from collections.abc import Iterator

from hokusai.core import leases
from hokusai.core.jobs import Work
from hokusai.tracking import TrackingClient, TrackingNotFound, VersionRecord, tracking
from registry import mirroring
from registry.mirroring import Absence, Listing
from registry.models.mirror import OURS
from registry.pull.passes import adopt_mapped


def refetch(work: Work) -> None:
    """Fetch what the job's label names: `name/number`, or `name/` for a model with all versions.

    What is not there any more is left to the sweeps. Safe to repeat. Raises TrackingUnavailable.
    """
    name, _, number = work.job.subject_label.rpartition("/")
    client = tracking[OURS]
    found = Listing(whole=False)
    try:
        _read(client, found, name, number)
    except TrackingNotFound as error:
        work.log(f"not there: {error}")
        return
    mirroring.read_runs(client, OURS, found)
    with leases.fenced(work.job):
        mirroring.tell_of(mirroring.take_in(OURS, found), Absence())
    adopt_mapped(OURS, work)


def _read(client: TrackingClient, found: Listing, name: str, number: str) -> None:
    found.models = [client.get_model(name)]
    if number:
        found.versions = [client.get_version(name, number)]
    else:
        found.versions = list(_versions(client, name))
    if any(row.run_id for row in found.versions):
        found.experiments = client.list_experiments().items


def _versions(client: TrackingClient, name: str) -> Iterator[VersionRecord]:
    page = client.list_versions(name=name)
    yield from page.items
    while page.next_token:
        page = client.list_versions(name=name, page_token=page.next_token)
        yield from page.items
