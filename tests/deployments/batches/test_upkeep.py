from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from deployments.batches import places, upkeep
from deployments.batches.children import keys_of_batches
from deployments.batches.content import BatchContent
from deployments.models import BatchPrediction
from hokusai.core.models import Event
from tests import factories as make
from tests.deployments.batches.conftest import Bench

pytestmark = pytest.mark.django_db


def test_children_and_files_end_with_the_batch(
    bench: Bench, no_children: Callable[[], bool]
) -> None:
    batch = bench.done(bench.dataset(bench.table(12)))
    assert {key.partition(".")[0] for key in keys_of_batches()} >= {batch.public_id}
    assert list(places.folder().iterdir())
    upkeep.end_batch(batch.public_id)
    assert not any(key.startswith(batch.public_id) for key in keys_of_batches())
    assert not list(places.folder().iterdir())


def test_a_batch_that_goes_on_keeps_its_children(bench: Bench) -> None:
    batch = bench.ask(bench.dataset(bench.table(12)))
    bench.work(1)
    upkeep.end_batch(batch.public_id)
    upkeep.tend_batches()
    assert any(key.startswith(batch.public_id) for key in keys_of_batches())


def test_children_that_nobody_stopped_are_found(
    bench: Bench, no_children: Callable[[], bool]
) -> None:
    batch = bench.done(bench.dataset(bench.table(12)))
    assert not no_children()
    BatchPrediction.objects.exclude(pk=batch.pk).delete()
    upkeep.tend_batches()
    assert no_children()


def test_what_is_past_its_time_is_let_go_of_and_the_row_stays(bench: Bench) -> None:
    past = make.BatchPredictionFactory(
        version=bench.version,
        status="succeeded",
        output_digest="a" * 64,
        expires_at=timezone.now() - timedelta(seconds=1),
    )
    kept = {digest for _, digest in BatchContent().digests()}
    assert {past.output_digest, past.file_digest} <= kept
    upkeep.tend_batches()
    past.refresh_from_db()
    assert past.forgotten_at is not None
    assert not {past.output_digest} & {digest for _, digest in BatchContent().digests()}
    assert Event.objects.filter(tag="batch:forgotten", subject=past.public_id).exists()


def test_parts_are_kept_until_the_outputs_are_one_file(bench: Bench) -> None:
    batch = make.BatchPredictionFactory(version=bench.version, status="running")
    chunk = make.BatchChunkFactory(batch=batch, status="done", output_digest="b" * 64)
    assert ("blob", chunk.output_digest) in BatchContent().digests()
    BatchPrediction.objects.filter(pk=batch.pk).update(status="succeeded")
    assert ("blob", chunk.output_digest) not in BatchContent().digests()
