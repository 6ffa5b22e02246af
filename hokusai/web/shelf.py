"""Redis on the hot paths: one connection per thread, and no waiting for a server that is away."""

import threading
import time
from functools import cached_property
from typing import Any, Final

import redis
from django.conf import settings

PAUSE_S: Final = 1.0


class ShelfDown(Exception):
    """Redis does not answer; whoever asked goes on without it."""


class Shelf:
    """Thread-safe: each thread keeps one connection. After a failure nobody waits for a second."""

    def __init__(self) -> None:
        self._kept = threading.local()
        self._down_until = 0.0

    def ask(self, *command: Any) -> Any:
        """The reply to a command. Raises ShelfDown; NoScriptError for a script it does not know."""
        return self._guarded(command, wait=True)

    def tell(self, *command: Any) -> None:
        """Send a command whose reply nobody needs: it is read before the next one's.

        Raises ShelfDown.
        """
        self._guarded(command, wait=False)

    def _guarded(self, command: tuple[Any, ...], *, wait: bool) -> Any:
        now = time.monotonic()
        if now < self._down_until:
            raise ShelfDown
        try:
            return self._send(command, wait)
        except redis.exceptions.NoScriptError:
            raise
        except (redis.RedisError, OSError) as error:
            self._down_until = now + PAUSE_S
            self._drop()
            raise ShelfDown from error

    def _send(self, command: tuple[Any, ...], wait: bool) -> Any:
        connection = self._connection()
        packed = connection.pack_command(*command)
        try:
            return self._exchange(connection, packed, wait)
        except redis.ConnectionError:
            # Closed while idle, or restarted: one new connection tells. A timeout is not repeated.
            self._drop()
            return self._exchange(self._connection(), packed, wait)

    def _exchange(self, connection: Any, packed: Any, wait: bool) -> Any:
        connection.send_packed_command(packed, check_health=False)
        self._kept.unread += 1
        if not wait:
            return None
        while True:
            # Before reading: an error that is answered has been read as well.
            self._kept.unread -= 1
            reply = connection.read_response()
            if not self._kept.unread:
                return reply

    def _connection(self) -> Any:
        connection: Any = getattr(self._kept, "connection", None)
        if connection is None:
            connection = self._pool.make_connection()
            connection.connect()
            self._kept.connection, self._kept.unread = connection, 0
        return connection

    def _drop(self) -> None:
        connection = self._kept.__dict__.pop("connection", None)
        if connection is not None:
            connection.disconnect()

    @cached_property
    def _pool(self) -> redis.ConnectionPool:
        return redis.ConnectionPool.from_url(
            settings.REDIS_URL,
            socket_timeout=settings.REDIS_TIMEOUT_S,
            socket_connect_timeout=settings.REDIS_TIMEOUT_S,
            retry=None,
        )


shelf: Final = Shelf()
