"""A bounded load generator: `wrk` where it is installed, else this module as its own process.

Both sides of a comparison are always loaded by the same one.
"""

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[1]
WRK_SCRIPT = """
local n = 0
local all = {}
for line in io.lines("@paths@") do all[#all + 1] = line end
local body_file = io.open("@body@", "rb")
local body = body_file:read("*a")
if body == "" then body = nil end
local headers = {@headers@}
request = function()
  n = n + 1
  local sent = body
  if body and @numbered@ then
    local place = string.format("%d", n % @spread@)
    sent = body:gsub("@n@", string.format("%d", @first@ + n)):gsub("@m@", place)
  end
  return wrk.format("@method@", all[(n - 1) % #all + 1], headers, sent)
end
done = function(summary, latency, requests)
  io.write(string.format("RESULT %d %d %d %.1f %.1f\\n", summary.requests,
    summary.errors.status + summary.errors.connect + summary.errors.read
      + summary.errors.write + summary.errors.timeout,
    summary.duration, latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True)
class Load:
    """What is asked for: each path in turn, over some connections, for some seconds.

    `spread`: in the body, @n@ stands for a number never used before, @m@ for one below `spread`.
    """

    url: str
    paths: Sequence[str]
    headers: Mapping[str, str]
    body: bytes = b""
    connections: int = 16
    seconds: int = 3
    spread: int = 0

    @property
    def method(self) -> str:
        return "POST" if self.body else "GET"


@dataclass(frozen=True)
class Outcome:
    """What came of it; `p50_ms`: half of the requests took at most this long; `p99_ms` alike."""

    requests: int
    errors: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


def run(load: Load) -> Outcome:
    """Apply a load from a process of its own. Raises RuntimeError where a request failed."""
    with tempfile.TemporaryDirectory(prefix="hokusai-load-") as folder:
        tool = _with_wrk if shutil.which("wrk") else _with_python
        outcome = tool(load, Path(folder))
    if outcome.errors or not outcome.requests:
        raise RuntimeError(f"{outcome.errors} of {outcome.requests} requests to {load.url} failed.")
    return outcome


def first_number() -> int:
    """Where the numbers of a load begin: past those of every load before."""
    return time.time_ns() // 1_000_000 * 1_000


def generator() -> str:
    """Which generator this machine uses."""
    return "wrk" if shutil.which("wrk") else "bench.load"


def _with_wrk(load: Load, folder: Path) -> Outcome:
    (folder / "paths").write_text("\n".join(load.paths) + "\n")
    (folder / "body").write_bytes(load.body)
    headers = ", ".join(f'["{name}"]="{value}"' for name, value in load.headers.items())
    script = WRK_SCRIPT
    for name, value in {
        "paths": str(folder / "paths"),
        "body": str(folder / "body"),
        "headers": headers,
        "method": load.method,
        "numbered": "true" if load.spread else "false",
        "first": str(first_number()),
        "spread": str(load.spread or 1),
    }.items():
        script = script.replace(f"@{name}@", value)
    (folder / "load.lua").write_text(script)
    command = ["wrk", "-t1", f"-c{load.connections}", f"-d{load.seconds}s", "--timeout=30s"]
    command += ["-s", str(folder / "load.lua"), load.url]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=load.seconds + 30
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    requests, errors, duration_us, p50_us, p99_us = line.split()[1:]
    p50_ms, p99_ms = float(p50_us) / 1e3, float(p99_us) / 1e3
    return Outcome(int(requests), int(errors), int(duration_us) / 1e6, p50_ms, p99_ms)


def _with_python(load: Load, folder: Path) -> Outcome:
    given = {**asdict(load), "body": load.body.decode()}
    (folder / "load.json").write_text(json.dumps(given))
    done = subprocess.run(
        [sys.executable, "-m", "bench.load", str(folder / "load.json")],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=load.seconds + 30,
    )
    return Outcome(**json.loads(done.stdout))


class _Client:
    """Counts the answers of several keep-alive connections."""

    def __init__(self, load: Load) -> None:
        self.load, self.took, self.errors = load, list[float](), 0
        self.end = time.monotonic() + load.seconds
        self.first = first_number()

    async def connection(self, first: int) -> None:
        """One request after the other until the time is over."""
        place = urlsplit(self.load.url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        position = first
        while time.monotonic() < self.end:
            began = time.perf_counter()
            writer.write(self._request(position, place.netloc))
            self.errors += await _status(reader) >= 400
            self.took.append(time.perf_counter() - began)
            position += self.load.connections
        writer.close()

    def _request(self, position: int, host: str) -> bytes:
        load = self.load
        path = load.paths[position % len(load.paths)]
        body = self._body(position)
        headers = {"Host": host, **load.headers, "Content-Length": str(len(body))}
        lines = [f"{load.method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def _body(self, position: int) -> bytes:
        load = self.load
        if not load.spread:
            return load.body
        numbered = load.body.replace(b"@n@", str(self.first + position).encode())
        return numbered.replace(b"@m@", str(position % load.spread).encode())


async def _status(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length))
    return int(head.split(b" ", 2)[1])


async def _apply(load: Load) -> Outcome:
    client = _Client(load)
    began = time.monotonic()
    await asyncio.gather(*(client.connection(number) for number in range(load.connections)))
    seconds = time.monotonic() - began
    took = sorted(client.took) or [0.0]
    middle, late = took[len(took) // 2], took[len(took) * 99 // 100]
    return Outcome(len(client.took), client.errors, seconds, middle * 1e3, late * 1e3)


def main() -> None:
    """Read a load from a file, apply it, print the outcome."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("load", type=Path)
    given = json.loads(parser.parse_args().load.read_text())
    load = Load(**{**given, "body": given["body"].encode()})
    print(json.dumps(asdict(asyncio.run(_apply(load)))))


if __name__ == "__main__":
    main()
