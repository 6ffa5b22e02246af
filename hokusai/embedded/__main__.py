"""`python -m hokusai.embedded`: run the whole of Hokusai on this machine, with or without the
demo's story."""

import argparse
import os
import shlex
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from hokusai.embedded.environment import OWNER_URL
from hokusai.embedded.errors import EmbeddedError
from hokusai.embedded.folder import DataFolder
from hokusai.embedded.programs import PROJECT_ROOT
from hokusai.embedded.stack import RUNNING_ENVIRONMENT, Stack
from hokusai.embedded.supervisor import StopRequested, end_left_behind

INTERRUPTED = 130
DOWN_WITHIN_S = 60.0


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = parser().parse_args(arguments)
    try:
        status: int = options.command(options)
    except EmbeddedError as error:
        print(f"\n{error}", file=sys.stderr, flush=True)
        return 1
    return status


def parser() -> argparse.ArgumentParser:
    """Return the command line's grammar."""
    top = argparse.ArgumentParser(prog="python -m hokusai.embedded", description=__doc__)
    commands = top.add_subparsers(required=True)
    demo = commands.add_parser("demo", help="start everything, tell the story, stay up")
    demo.add_argument("--exit", action="store_true", help="end after the story, with its status")
    demo.set_defaults(command=run_demo)
    up = commands.add_parser("up", help="start everything and stay up")
    up.set_defaults(command=run_up)
    env = commands.add_parser("env", help="print the running stack's variables for a shell")
    env.add_argument("--owner", action="store_true", help="as the owner of the tables")
    env.set_defaults(command=print_environment)
    down = commands.add_parser("down", help="end the stack that runs")
    down.set_defaults(command=run_down)
    return top


def run_up(options: argparse.Namespace) -> int:
    """Start everything and stay until asked to end."""
    return _run(story=False, leave=False)


def run_demo(options: argparse.Namespace) -> int:
    """Start everything, tell the story, and stay unless asked to leave; return the story's
    status."""
    return _run(story=True, leave=options.exit)


def print_environment(options: argparse.Namespace) -> int:
    """Print `export` lines for the stack that runs.

    Raises:
        EmbeddedError: none runs, or it is not ready.
    """
    folder = DataFolder(data_folder())
    variables: dict[str, str] | None = folder.recall(RUNNING_ENVIRONMENT)
    if folder.holder() is None or not variables:
        raise EmbeddedError(f"No stack is up in {folder.root}. Start one: make run")
    owner_url = variables.pop(OWNER_URL)
    if options.owner:
        variables |= {OWNER_URL: owner_url, "DATABASE_URL": owner_url}
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def run_down(options: argparse.Namespace) -> int:
    """End the stack that runs, or what a killed one left behind.

    Raises:
        EmbeddedError: it did not end in time.
    """
    folder = DataFolder(data_folder())
    pid = folder.holder()
    if pid is None:
        folder.lock()
        end_left_behind(folder)
        folder.unlock()
        print(f"Nothing runs in {folder.root}.")
        return 0
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + DOWN_WITHIN_S
    while folder.holder() == pid:
        if time.monotonic() > deadline:
            raise EmbeddedError(f"Process {pid} did not end within {DOWN_WITHIN_S:g} s.")
        time.sleep(0.2)
    print("Everything has ended.")
    return 0


def data_folder() -> Path:
    """Return the folder of this project's stack."""
    return Path(os.environ.get("HOKUSAI_DATA_DIR") or PROJECT_ROOT / ".hokusai")


def _run(*, story: bool, leave: bool) -> int:
    stack = Stack(data_folder(), os.environ, dotenv=PROJECT_ROOT / ".env", say=_say)

    def stop(number: int, frame: FrameType | None) -> None:
        stack.request_stop()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    told: int | None = None
    try:
        with stack:
            try:
                _say(f"Starting Hokusai in {stack.folder.root}")
                stack.start()
                told = stack.story() if story else None
                if leave and told is not None:
                    return told
                _say(_links(stack))
                stack.hold()
            finally:
                _say("\nEnding everything …")
    except StopRequested:
        return INTERRUPTED if story and told is None else told or 0
    return told or 0


def _links(stack: Stack) -> str:
    """Return where to look now."""
    addresses = stack.addresses
    return (
        f"\n  Console   {addresses.base_url}/admin/"
        f"\n  API       {addresses.base_url}/api/docs/"
        f"\n  MLflow    {addresses.tracking_uri}"
        f"\n  Logs      {stack.folder.root / 'logs'}"
        "\n\nCtrl-C ends everything."
    )


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
