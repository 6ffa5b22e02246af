import threading
import time


class Breaker:
    """Stops asking who failed so often in a row; after a pause one question tries again.

    Thread-safe. Whoever was allowed says how it went, by `succeeded` or `failed`.
    """

    def __init__(self, failures: int, pause_s: float) -> None:
        self._limit, self._pause_s = failures, pause_s
        self._lock = threading.Lock()
        self._failures = 0
        self._shut_until = 0.0

    @property
    def shut(self) -> bool:
        """Whether nobody may ask now."""
        return self._failures >= self._limit and time.monotonic() < self._shut_until

    @property
    def wait_s(self) -> float:
        """Seconds until somebody may try again."""
        return max(0.0, self._shut_until - time.monotonic())

    def allows(self) -> bool:
        """Whether to ask; after the pause True for one alone, until it said how it went.

        One that says nothing holds up the others for no longer than another pause.
        """
        with self._lock:
            if self.shut:
                return False
            if self._failures >= self._limit:
                self._shut_until = time.monotonic() + self._pause_s
            return True

    def succeeded(self) -> None:
        """Ask as usual again."""
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        """Count a failure; the last one of many shuts."""
        with self._lock:
            self._failures += 1
            if self._failures >= self._limit:
                self._shut_until = time.monotonic() + self._pause_s
