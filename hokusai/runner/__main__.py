"""`python -m hokusai.runner --socket PATH --store ROOT [--recipes NAME=CLASS,…]`"""

import argparse
import contextlib
import logging
import os
from pathlib import Path

from hokusai.runner import server
from hokusai.runner.recipes import allowed
from hokusai.runner.service import Recipes


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="hokusai.runner", description=server.__doc__)
    parser.add_argument("--socket", type=Path, required=True, help="in a folder of mode 0700")
    parser.add_argument("--store", type=Path, required=True, help="root of the content store")
    parser.add_argument(
        "--allow-tier-c",
        action="store_true",
        help="load ONNX and skops where only limits isolate them; never in production",
    )
    parser.add_argument(
        "--highest-tier",
        choices=("A", "B", "C"),
        default="A",
        help="do not try a higher tier of isolation, to see what a weaker machine would do",
    )
    parser.add_argument(
        "--recipes",
        type=_recipes,
        default=os.environ.get("TRAINING_RECIPES", ""),
        metavar="NAME=CLASS,…",
        help="what may train, as in the setting TRAINING_RECIPES, which is its default here too",
    )
    parser.add_argument(
        "--recipe-folder",
        type=Path,
        help="where recipes are imported from beside the installed packages",
    )
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    with contextlib.suppress(KeyboardInterrupt):
        server.run(
            options.socket.absolute(),
            options.store.absolute(),
            allow_tier_c=options.allow_tier_c,
            highest=options.highest_tier,
            recipes=Recipes(
                options.recipes,
                str(options.recipe_folder.absolute()) if options.recipe_folder else "",
            ),
        )


def _recipes(text: str) -> dict[str, str]:
    try:
        return allowed.parse(text) or allowed.DEFAULT
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


if __name__ == "__main__":
    main()
