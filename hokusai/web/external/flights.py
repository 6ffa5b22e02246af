import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property

from hokusai.web.external.verdicts import Verdict


class Flights:
    """Questions on their way: one for each token, however many wait for its answer.

    They run in threads of their own, so that whoever waits waits no longer than they want, also
    where a name is resolved slowly.
    """

    def __init__(self, at_once: int, most: int) -> None:
        self._at_once, self._most = at_once, most
        self._lock = threading.Lock()
        self._open: dict[str, Future[Verdict]] = {}

    def join(
        self, key: str, ask: Callable[[], Verdict], may_start: Callable[[], bool]
    ) -> tuple[Future[Verdict], bool] | None:
        """The question about a key, and whether it was started for this caller.

        None where there is none and none may be started.
        """
        with self._lock:
            flying = self._open.get(key)
            if flying is not None:
                return flying, False
            if len(self._open) >= self._most or not may_start():
                return None
            future = self._open[key] = self._pool.submit(ask)
            return future, True

    def leave(self, key: str, flight: Future[Verdict]) -> None:
        """Let the next caller start anew, once the question is over.

        To be called by whom it was started for, when they have kept what its answer means.
        """
        flight.add_done_callback(lambda _: self._landed(key, flight))

    def _landed(self, key: str, flight: Future[Verdict]) -> None:
        with self._lock:
            if self._open.get(key) is flight:
                del self._open[key]

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._at_once, thread_name_prefix="introspection")
