#!/usr/bin/env python3
"""Send the files of a model to Hokusai, or fetch those of a version. Standard library alone.

    artifacts.py upload URL PROJECT FOLDER       prints the source to register a version from
    artifacts.py download URL MODEL NUMBER FOLDER

URL is the API's, as http://127.0.0.1:8000/api/v1. HOKUSAI_AUTH holds the Authorization header's
value, such as `Bearer hok_…`. Bytes go straight to the store and come straight from it; every
file that is fetched is compared with its digest.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

CHUNK = 1 << 20
TRIES = 5
TIMEOUT_S = 60


def upload(url: str, project: str, folder: str) -> None:
    """Send every file below a folder; what broke off is sent again part by part."""
    root = Path(folder)
    files = sorted(path for path in root.rglob("*") if path.is_file())
    stated = [
        {
            "path": path.relative_to(root).as_posix(),
            "size_bytes": path.stat().st_size,
            "sha256": digest(path),
        }
        for path in files
    ]
    made = ask(f"{url}/uploads", {"project": project, "files": stated})
    for position, path in enumerate(files):
        with path.open("rb") as stream:
            size = made["files"][position]["part_bytes"]
            for number, link in links(url, made["id"], position):
                stream.seek((number - 1) * size)
                put(link, stream.read(size))
    print(ask(f"{url}/uploads/{made['id']}/complete", {})["source"])


def links(url: str, upload_id: str, position: int) -> Iterator[tuple[int, str]]:
    """Where each part of a file goes, in order."""
    first = 1
    while first:
        page = ask(f"{url}/uploads/{upload_id}/parts?file={position}&first={first}")
        yield from ((part["number"], part["url"]) for part in page["parts"])
        first = page["next"]


def put(link: str, part: bytes) -> None:
    """Send one part, again where the line broke."""
    for attempt in range(TRIES):
        try:
            with urlopen(Request(link, data=part, method="PUT"), timeout=TIMEOUT_S):
                return
        except (HTTPError, URLError, TimeoutError):
            if attempt == TRIES - 1:
                raise
            time.sleep(2**attempt)


def download(url: str, model: str, number: str, folder: str) -> None:
    """Fetch every file of a version and compare it with its digest."""
    artifact = ask(f"{url}/models/{model}/versions/{number}/artifact")
    for file in artifact["files"]:
        target = Path(folder) / file["path"]
        target.parent.mkdir(parents=True, exist_ok=True)
        with urlopen(file["url"], timeout=TIMEOUT_S) as answer, target.open("wb") as stream:
            while chunk := answer.read(CHUNK):
                stream.write(chunk)
        if digest(target) != file["sha256"]:
            sys.exit(f"{file['path']} does not match its digest.")
    print(artifact["tree_digest"])


def digest(path: Path) -> str:
    """sha256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def ask(url: str, body: Any = None) -> Any:
    """One call of the API; an error ends the program with what the platform says."""
    headers = {"Authorization": os.environ["HOKUSAI_AUTH"], "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(Request(url, data=data, headers=headers), timeout=TIMEOUT_S) as answer:
            return json.load(answer)
    except HTTPError as error:
        sys.exit(f"{error.code}: {error.read().decode()}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["upload", url, project, folder]:
            upload(url, project, folder)
        case ["download", url, model, number, folder]:
            download(url, model, number, folder)
        case _:
            sys.exit(__doc__)
