"""The outside of each store: a real store process, and a server that speaks S3."""

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

from hokusai.embedded.ports import LOOPBACK, any_free
from tests.programs import python

ROOT = Path(__file__).parents[3]
ORIGIN = "http://console.example"


@dataclass(frozen=True)
class StoreProcess:
    """A running store process over a folder that each test finds empty."""

    root: Path
    url: str
    secret: str

    @property
    def options(self) -> dict[str, str]:
        return {"root": str(self.root), "url": self.url, "secret": self.secret}


@dataclass(frozen=True)
class S3Server:
    """A bucket of its own, and what the stores need to reach it."""

    client: Any
    bucket: str
    options: dict[str, str]


@pytest.fixture(scope="session")
def _store_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreProcess]:
    root, port, secret = tmp_path_factory.mktemp("store"), any_free(), secrets.token_urlsafe(36)
    command = python(
        "-m",
        "granian",
        "--interface=asgi",
        f"--host={LOOPBACK}",
        f"--port={port}",
        "--factory",
        "hokusai.storehouse.server:from_environment",
    )
    given = {"STORE_ROOT": str(root), "STORE_URL_SECRET": secret, "STORE_ORIGINS": ORIGIN}
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **given})
    url = f"http://{LOOPBACK}:{port}"
    try:
        _wait(url, process)
        yield StoreProcess(root, url, secret)
    finally:
        process.terminate()
        process.wait(30)


def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            requests.get(url, timeout=1)
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the store process did not start")


@pytest.fixture
def store_process(_store_process: StoreProcess) -> StoreProcess:
    for path in _store_process.root.iterdir():
        shutil.rmtree(path)
    return _store_process


@pytest.fixture(scope="session")
def _s3_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address=LOOPBACK, port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(_s3_url: str) -> S3Server:
    options = {
        "name": f"bucket-{secrets.token_hex(8)}",
        "endpoint_url": _s3_url,
        "region": "us-east-1",
        "access_key": "of-this-test",
        "secret_key": "of-this-test-alone",
    }
    client = boto3.client(
        "s3",
        endpoint_url=_s3_url,
        region_name="us-east-1",
        aws_access_key_id=options["access_key"],
        aws_secret_access_key=options["secret_key"],
    )
    client.create_bucket(Bucket=options["name"])
    return S3Server(client, options["name"], options)
