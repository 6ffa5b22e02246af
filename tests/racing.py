"""Running calls at the same time, each on a connection of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection


def race(*calls: Callable[[], Any]) -> list[Any]:
    """Start all calls together; what each returned, or the exception that it raised."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            barrier.wait(60)
            return call()
        except Exception as error:  # noqa: BLE001  # whatever it was, the test judges it
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


class Elsewhere:
    """A connection in a thread of its own, driven step by step."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1)

    def __enter__(self) -> "Elsewhere":
        return self

    def __exit__(self, *details: object) -> None:
        self.do(_close)
        self._pool.shutdown()

    def do(self, call: Callable[[], Any]) -> Any:
        """Run a call there and wait for its result."""
        return self._pool.submit(call).result(10)


def _close() -> None:
    """The connection of the thread that calls, which a bound method would not be."""
    connection.close()
