"""One contract for every place of a checkpoint; the bucket is of a server that speaks S3."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from hokusai.storage.base import StorageUnavailable
from hokusai.transparency.providers.targets import CheckpointTarget, FileTarget, target_of

BUCKET = "checkpoints"


@pytest.fixture(scope="module")
def s3() -> Iterator[dict[str, str]]:
    """What the target needs to reach the bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    options = {
        "endpoint_url": f"http://{host}:{port}",
        "region": "us-east-1",
        "access_key": "test",
        "secret_key": "test",
    }
    client = boto3.client(
        "s3",
        endpoint_url=options["endpoint_url"],
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    client.create_bucket(Bucket=BUCKET)
    yield options
    server.stop()


@pytest.fixture(params=["file", "bucket"])
def target(request: pytest.FixtureRequest, tmp_path: Path, s3: dict[str, str]) -> CheckpointTarget:
    places = {
        "file": str(tmp_path / "deep" / "checkpoint"),
        "bucket": f"s3://{BUCKET}/{tmp_path.name}/checkpoint",
    }
    found = target_of(places[request.param], s3)
    assert found is not None
    return found


def test_before_the_first_note_nothing_is_read(target: CheckpointTarget) -> None:
    assert target.read() == ""


def test_a_note_replaces_the_one_before(target: CheckpointTarget) -> None:
    target.write("\u2014 first, and longer than the second\n")
    target.write("\u2014 second\n")
    assert target.read() == "\u2014 second\n"


def test_no_place_means_that_nothing_is_published(s3: dict[str, str]) -> None:
    assert target_of("", s3) is None


def test_a_bucket_that_is_not_there_is_said_so(s3: dict[str, str]) -> None:
    target = target_of("s3://nowhere/checkpoint", s3)
    assert target is not None
    with pytest.raises(StorageUnavailable):
        target.write("note")


def test_a_file_that_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for path in (tmp_path, tmp_path / "binary"):
        with pytest.raises(StorageUnavailable):
            FileTarget(path).read()
    with pytest.raises(StorageUnavailable):
        FileTarget(tmp_path).write("note")


def test_the_file_is_readable_by_everybody(tmp_path: Path) -> None:
    FileTarget(tmp_path / "checkpoint").write("note")
    assert (tmp_path / "checkpoint").stat().st_mode & 0o777 == 0o644
