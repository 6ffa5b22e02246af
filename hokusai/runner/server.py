"""The runner's main socket: one thread per connection, one frame per question."""

import logging
import os
import resource
import signal
import socket
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Final

from hokusai.runner import protocol
from hokusai.runner.errors import ProtocolError, RunnerError, RunnerUnavailable, to_wire
from hokusai.runner.sandbox.plan import Tier
from hokusai.runner.service import NO_RECIPES, Recipes, Runner

LOG: Final = logging.getLogger("hokusai.runner")
BACKLOG: Final = 128
MAX_FILES: Final = 1 << 16
Answer = tuple[dict[str, Any], memoryview | None]
Question = Callable[[protocol.Header], dict[str, Any]]
# What a fresh child does with the whole body.
Errand = Callable[[protocol.Header, protocol.Block], Answer]


class Server:
    """Answers at `path` for `runner`."""

    def __init__(self, path: Path, runner: Runner) -> None:
        self._runner = runner
        self._errands: dict[str, Errand] = {
            "predict_once": runner.predict_once,
            "fit_predict": runner.train,
            "fit_export": runner.train,
            "read_table": runner.read_table,
            "convert": runner.convert,
        }
        self._questions: dict[str, Question] = {
            "health": runner.health,
            "serve": runner.serve,
            "describe": runner.describe,
            "stop": runner.stop,
            "kill": runner.kill,
            "why": runner.why,
            "stuck": runner.stuck,
            "stats": runner.stats,
        }
        self._listener = listen(path)

    def run(self) -> None:
        """Accept until the process is told to end."""
        while True:
            connection, _ = self._listener.accept()
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        with connection:
            try:
                while (body := protocol.receive(connection)) is not None:
                    protocol.send(connection, *self._answer(body))
            except (OSError, ProtocolError) as error:
                LOG.info("a caller went away: %s", error)

    def _answer(self, body: protocol.Block) -> Answer:
        try:
            header, _ = protocol.decode(body)
            asked = str(header.get("op"))
            errand = self._errands.get(asked)
            if errand is not None:
                return errand(header, body)
            question = self._questions.get(asked)
            if question is None:
                raise ProtocolError("The runner knows no such question.")
            return question(header), None
        except RunnerError as error:
            return {"error": to_wire(error)}, None
        except OSError as error:
            LOG.exception("the system refused what a model needs")
            refused = RunnerUnavailable(
                f"The model could not be started: {error.strerror or error}"
            )
            return {"error": to_wire(refused)}, None
        except (KeyError, TypeError, ValueError) as error:
            LOG.exception("a question could not be read")
            wrong = ProtocolError(f"The question could not be read: {type(error).__name__}.")
            return {"error": to_wire(wrong)}, None


def private_folder(folder: Path) -> None:
    """Make `folder` if absent; SystemExit where others may enter it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if stat.S_IMODE(found.st_mode) & 0o077 or found.st_uid != os.geteuid():
        raise SystemExit(f"{folder} must belong to this user alone, with mode 0700")


def listen(path: Path) -> socket.socket:
    """A listening socket at `path`, mode 0600; SystemExit where another runner answers there."""
    refuse_a_second(path)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(BACKLOG)
    return listener


def refuse_a_second(path: Path) -> None:
    """SystemExit where a runner answers at `path`: what it serves must not be taken from it."""
    with socket.socket(socket.AF_UNIX) as probe:
        if not probe.connect_ex(str(path)):
            raise SystemExit(f"another runner answers at {path}")


def allow_many_files() -> None:
    """Every served key holds some descriptors; children have a limit of their own."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed < MAX_FILES:
        wanted = MAX_FILES if most == resource.RLIM_INFINITY else min(most, MAX_FILES)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def run(
    path: Path,
    store: Path,
    *,
    allow_tier_c: bool,
    highest: Tier = "A",
    recipes: Recipes = NO_RECIPES,
) -> None:
    """Run until SIGTERM or SIGINT; ends every child before it returns."""
    private_folder(path.parent)
    refuse_a_second(path)
    allow_many_files()
    signal.signal(signal.SIGTERM, _leave)
    runner = Runner(store, path.parent, allow_tier_c=allow_tier_c, highest=highest, recipes=recipes)
    for warning in runner.isolation.warnings:
        LOG.warning("%s", warning)
    LOG.info("isolation tier %s, listening at %s", runner.isolation.tier, path)
    try:
        Server(path, runner).run()
    finally:
        runner.close()
        path.unlink(missing_ok=True)


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
