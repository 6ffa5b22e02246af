"""skops files whose bytes follow from the model alone.

skops names objects and their arrays by addresses of memory and stamps the time into the archive;
here they are numbered in the order in which the schema names them.
"""

import io
import zipfile
from typing import Any, Final

import orjson
import skops.io

SCHEMA: Final = "schema.json"
FIRST_DAY: Final = (1980, 1, 1, 0, 0, 0)


def dumps(estimator: Any) -> bytes:
    """The estimator as a skops file; equal estimators give equal bytes."""
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(estimator))) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    schema = orjson.loads(content.pop(SCHEMA))
    names: dict[int, int] = {}
    files: dict[str, str] = {}
    steady = _renamed(schema, names, files)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        _write(archive, SCHEMA, orjson.dumps(steady))
        for old, new in files.items():
            _write(archive, new, content[old])
    return out.getvalue()


def _renamed(node: Any, names: dict[int, int], files: dict[str, str]) -> Any:
    if isinstance(node, list):
        return [_renamed(item, names, files) for item in node]
    if not isinstance(node, dict):
        return node
    renamed: dict[str, Any] = {}
    for key, value in node.items():
        if key == "__id__" and isinstance(value, int):
            renamed[key] = names.setdefault(value, len(names) + 1)
        elif key == "file" and isinstance(value, str):
            kind = value.rpartition(".")[2]
            renamed[key] = files.setdefault(value, f"{len(files) + 1}.{kind}")
        else:
            renamed[key] = _renamed(value, names, files)
    return renamed


def _write(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, FIRST_DAY), content)
