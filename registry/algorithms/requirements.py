"""What an artifact says that it needs: requirements.txt or conda.yaml, parsed, not installed."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from packaging.markers import InvalidMarker, Marker, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from registry.algorithms.bounded_yaml import YamlRefused, load_plain

MAX_BYTES: Final = 1024 * 1024
MAX_LINES: Final = 2_000
REQUIREMENTS: Final = "requirements.txt"
CONDA: Final = "conda.yaml"
# No package of an index has this name.
PYTHON: Final = "python"

_COMMENT = re.compile(r"(^|\s)#.*$")
_HASH = re.compile(r"\s--hash[=\s]\S+")
# conda writes `name=1.2`, `name=1.2=build` or `name>=1.2`, perhaps after `channel::`.
_CONDA = re.compile(r"^(?:[\w./-]+::)?([A-Za-z0-9._-]+)\s*(.*)$")
_CONDA_PIN = re.compile(r"^=?=?\s*([0-9][\w.+!*-]*)(?:=\S*)?$")


@dataclass(frozen=True, slots=True)
class Dependency:
    """One requirement. `url` is set where it names a place instead of versions."""

    name: str
    specifier: str = ""
    marker: str = ""
    url: str = ""

    def as_dict(self) -> dict[str, str]:
        """As JSON, without what is empty beyond name, specifier and marker."""
        facts = {key: str(value) for key, value in asdict(self).items()}
        return facts if self.url else {key: facts[key] for key in ("name", "specifier", "marker")}


@dataclass(frozen=True, slots=True)
class Requirements:
    """`unparsed`: the lines that are no requirement, with the reason; `python`: "" if unstated."""

    items: tuple[Dependency, ...] = ()
    unparsed: tuple[str, ...] = ()
    python: str = ""

    def as_list(self) -> list[dict[str, str]]:
        """As JSON: Python, the requirements by name, {"unparsed": line} for every other line."""
        ordered = sorted(self.items, key=lambda item: (item.name, item.specifier))
        python = [Dependency(PYTHON, self.python)] if self.python else []
        listed = [item.as_dict() for item in [*python, *ordered]]
        return listed + [{"unparsed": line} for line in self.unparsed]

    @classmethod
    def from_list(cls, listed: Iterable[Mapping[str, str]]) -> "Requirements":
        """What `as_list` wrote, as it was."""
        fields = ("name", "specifier", "marker", "url")
        items = [
            Dependency(**{key: entry.get(key, "") for key in fields})
            for entry in listed
            if "name" in entry
        ]
        python = next((item.specifier for item in items if item.name == PYTHON), "")
        rest = tuple(item for item in items if item.name != PYTHON)
        return cls(rest, tuple(e["unparsed"] for e in listed if "unparsed" in e), python)


def read_requirements(folder: Path) -> Requirements:
    """The requirements of an artifact's folder; conda.yaml counts where it has no requirements.txt.

    conda.yaml alone states the version of Python. A file that cannot be read is an unparsed line.
    """
    conda = _read(folder / CONDA, parse_conda)
    listed = _read(folder / REQUIREMENTS, parse_requirements)
    if not listed.items and not listed.unparsed:
        return conda
    return Requirements(listed.items, listed.unparsed, conda.python)


def parse_requirements(text: str) -> Requirements:
    """Parse the lines of a requirements.txt (pip's format); options are reported, not followed."""
    items: list[Dependency] = []
    unparsed: list[str] = []
    for line in _lines(text):
        try:
            items.append(_dependency(line))
        except (InvalidRequirement, InvalidSpecifier, InvalidMarker) as error:
            unparsed.append(f"{line[:200]}: {_reason(line, error)}")
    return Requirements(tuple(items), tuple(unparsed))


def parse_conda(text: str) -> Requirements:
    """Parse a conda environment: its packages and those under `pip`."""
    try:
        document = load_plain(text, max_bytes=MAX_BYTES)
    except YamlRefused as error:
        return Requirements(unparsed=(f"{CONDA}: {error}",))
    entries = document.get("dependencies") if isinstance(document, Mapping) else None
    if not isinstance(entries, list):
        return Requirements(unparsed=(f"{CONDA}: it lists no dependencies",))
    piped = parse_requirements("\n".join(_piped(entries)))
    items, unparsed, python = list(piped.items), list(piped.unparsed), ""
    for entry in (entry for entry in entries[:MAX_LINES] if isinstance(entry, str)):
        name, specifier = _conda_parts(entry)
        if name == PYTHON:
            python = specifier
        elif name and name != "pip":
            items.append(Dependency(name, specifier))
        elif not name:
            unparsed.append(f"{entry[:200]}: it is no conda package")
    return Requirements(tuple(items), tuple(unparsed), python)


def resolvable(requirements: Requirements, *, python: str) -> list[str]:
    """What speaks against installing them that can be seen offline; [] where nothing does.

    `python`: the version that serves models here, such as "3.11.7".
    """
    problems = [f"not a requirement: {line}" for line in requirements.unparsed]
    problems += [
        f"{item.name}: is fetched from {item.url[:100]}, not from an index"
        for item in requirements.items
        if item.url
    ]
    packages = [item for item in requirements.items if item.name != PYTHON]
    problems += _contradictions(packages, python)
    asked = [requirements.python] if requirements.python else []
    asked += [item.specifier for item in requirements.items if item.name == PYTHON]
    for specifier in asked:
        if specifier and not _fits_python(specifier, python):
            problems.append(f"python {specifier} is asked for; {python} serves models here")
    return problems


def _read(path: Path, parse: Any) -> Requirements:
    if not path.is_file() or path.is_symlink():
        return Requirements()
    if path.stat().st_size > MAX_BYTES:
        return Requirements(unparsed=(f"{path.name}: larger than {MAX_BYTES} bytes",))
    try:
        parsed: Requirements = parse(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        return Requirements(unparsed=(f"{path.name}: it is no UTF-8 text",))
    return parsed


def _lines(text: str) -> Iterator[str]:
    """Logical lines: continued ones joined, comments and hashes gone."""
    joined = text.replace("\\\r\n", " ").replace("\\\n", " ")
    for line in joined.splitlines()[:MAX_LINES]:
        plain = _HASH.sub("", _COMMENT.sub("", line)).strip()
        if plain:
            yield plain


def _dependency(line: str) -> Dependency:
    parsed = Requirement(line)
    name = canonicalize_name(parsed.name)
    marker = str(parsed.marker) if parsed.marker else ""
    return Dependency(name, str(parsed.specifier), marker, parsed.url or "")


def _reason(line: str, error: Exception) -> str:
    if line.startswith("-"):
        return "an option of pip is not followed"
    if "://" in line or line.startswith(("git+", "hg+", "svn+")):
        return "a place instead of a package"
    if line.startswith((".", "/", "~")) or line.endswith((".whl", ".tar.gz", ".zip")):
        return "a local path"
    return str(error).splitlines()[0]


def _piped(entries: Iterable[Any]) -> Iterator[str]:
    for entry in entries:
        if isinstance(entry, Mapping) and isinstance(entry.get("pip"), list):
            yield from (str(line) for line in entry["pip"])


def _conda_parts(entry: str) -> tuple[str, str]:
    """Name and PEP 440 specifier; ("", "") where the entry is no package."""
    found = _CONDA.match(entry.strip())
    if found is None:
        return "", ""
    name, stated = canonicalize_name(found[1]), found[2].strip()
    pin = _CONDA_PIN.match(stated)
    if pin is not None:
        loose = stated.startswith("=") and not stated.startswith("==")
        version = pin[1] if pin[1].endswith("*") or not loose else f"{pin[1]}.*"
        stated = f"=={version}"
    try:
        return name, str(SpecifierSet(stated))
    except InvalidSpecifier:
        return "", ""


def _contradictions(items: Iterable[Dependency], python: str) -> Iterator[str]:
    stated: dict[str, list[str]] = defaultdict(list)
    for item in items:
        if item.specifier and _applies(item.marker, python):
            stated[item.name].append(item.specifier)
    for name, specifiers in sorted(stated.items()):
        combined = SpecifierSet(",".join(specifiers))
        if combined.is_unsatisfiable():
            yield f"{name}: no version satisfies {combined}"


def _applies(marker: str, python: str) -> bool:
    """Whether the marker holds with the Python that serves models."""
    if not marker:
        return True
    short = ".".join(python.split(".")[:2])
    environment = {"python_version": short, "python_full_version": python, "extra": ""}
    try:
        return Marker(marker).evaluate(environment)
    except (InvalidMarker, UndefinedEnvironmentName, InvalidVersion):
        return True


def _fits_python(specifier: str, python: str) -> bool:
    """Patch releases run each other's models; minor ones need not."""
    try:
        served = Version(python)
        pins = [item for item in SpecifierSet(specifier) if item.operator == "=="]
        if pins:
            wanted = [part for part in pins[0].version.split(".") if part != "*"]
            return wanted[:2] == [str(served.major), str(served.minor)][: len(wanted)]
        return served in SpecifierSet(specifier)
    except (InvalidVersion, InvalidSpecifier):
        return False
