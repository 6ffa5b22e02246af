"""The file that tells a runner what the one before it served."""

import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import orjson

from hokusai.runner.spec import Spec, read_spec

LOG: Final = logging.getLogger("hokusai.runner")
NAME: Final = "served.json"


class Journal:
    """Every served key with the format of its model, replaced as a whole on every change."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    def write(self, entries: Iterable[tuple[Spec, str]]) -> None:
        """Replace what was remembered; a runner killed at any line leaves the old or the new."""
        listed = [spec.to_wire() | {"format": model_format} for spec, model_format in entries]
        fresh = self._path.with_suffix(".new")
        fresh.write_bytes(orjson.dumps({"served": listed}))
        os.replace(fresh, self._path)

    def read(self) -> list[tuple[Spec, str]]:
        """What was served last; nothing where the file is absent, or damaged, which is logged."""
        try:
            listed = orjson.loads(self._path.read_bytes())["served"]
            return [(read_spec(entry), str(entry.get("format", ""))) for entry in listed]
        except FileNotFoundError:
            return []
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            LOG.warning("what was served before cannot be read: %s", error)
            return []
