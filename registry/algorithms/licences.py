"""Licences as SPDX expressions, from the ids of the HuggingFace Hub and from what people write."""

from collections.abc import Set as AbstractSet
from typing import Final

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

MAX_LENGTH: Final = 200
_MAX_PARTS: Final = 50

# https://huggingface.co/docs/hub/repositories-licenses: ids there that differ from SPDX's.
_HUB_IDS: Final = {
    "afl-3.0": "AFL-3.0",
    "agpl-3.0": "AGPL-3.0-only",
    "bigcode-openrail-m": "LicenseRef-bigcode-openrail-m",
    "bigscience-bloom-rail-1.0": "LicenseRef-bigscience-bloom-rail-1.0",
    "bigscience-openrail-m": "LicenseRef-bigscience-openrail-m",
    "bsd": "BSD-3-Clause",
    "c-uda": "C-UDA-1.0",
    "cc": "LicenseRef-cc",
    "cdla-permissive-1.0": "CDLA-Permissive-1.0",
    "creativeml-openrail-m": "LicenseRef-creativeml-openrail-m",
    "etalab-2.0": "etalab-2.0",
    "gemma": "LicenseRef-gemma",
    "gfdl": "GFDL-1.3-or-later",
    "gpl": "GPL-1.0-or-later",
    "gpl-2.0": "GPL-2.0-only",
    "gpl-3.0": "GPL-3.0-only",
    "intel-research": "LicenseRef-intel-research",
    "lgpl": "LGPL-2.0-or-later",
    "lgpl-2.1": "LGPL-2.1-only",
    "lgpl-3.0": "LGPL-3.0-only",
    "lgpl-lr": "LGPLLR",
    "llama2": "LicenseRef-llama2",
    "llama3": "LicenseRef-llama3",
    "llama3.1": "LicenseRef-llama3.1",
    "llama3.2": "LicenseRef-llama3.2",
    "llama3.3": "LicenseRef-llama3.3",
    "llama4": "LicenseRef-llama4",
    "open-mdw": "LicenseRef-open-mdw",
    "openrail": "LicenseRef-openrail",
    "openrail++": "LicenseRef-openrail-plus-plus",
    "osl-3.0": "OSL-3.0",
    "pddl": "PDDL-1.0",
}
# What people write for a licence; lower case, without "licence" or "version".
_SPOKEN: Final = {
    "apache": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "bsd 2-clause": "BSD-2-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "expat": "MIT",
    "mozilla public 2.0": "MPL-2.0",
    "proprietary": "LicenseRef-Proprietary",
    "public domain": "LicenseRef-Public-Domain",
}
_FILLERS: Final = frozenset({"licence", "license", "licensed", "software", "the", "version"})


class LicenceUnknown(ValueError):
    """The text names no licence that SPDX knows."""


def normalise(text: str) -> str:
    """The SPDX expression of a licence's name, id or expression: `apache-2.0` -> `Apache-2.0`.

    Raises LicenceUnknown.
    """
    plain = " ".join(text.split())
    if not plain or len(plain) > MAX_LENGTH:
        raise LicenceUnknown("A licence is named by an SPDX expression such as Apache-2.0.")
    bare = _without_fillers(plain)
    known = _HUB_IDS.get(plain.lower()) or _SPOKEN.get(bare) or _HUB_IDS.get(bare)
    for candidate in (known, plain, bare):
        spdx = _canonical(candidate)
        if spdx:
            return spdx
    raise LicenceUnknown(
        f"{plain!r} is no SPDX expression; write for example Apache-2.0, or LicenseRef-<name>."
    )


def _canonical(text: str | None) -> str:
    try:
        return str(canonicalize_license_expression(text)) if text else ""
    except (InvalidLicenseExpression, RecursionError, MemoryError):
        return ""


def hub_id(expression: str) -> str:
    """The id under which the HuggingFace Hub lists the licence; `other` where it has none."""
    for hub, spdx in _HUB_IDS.items():
        if spdx == expression:
            return hub
    return "other" if " " in expression or "LicenseRef" in expression else expression.lower()


def allowed(expression: str, allow: AbstractSet[str]) -> bool:
    """Whether `allow` (SPDX ids, case ignored) permits it: all sides of AND, one side of OR.

    A licence WITH an exception only adds permissions: it is allowed where the licence or the whole
    phrase is. `GPL-2.0+` is its own entry. An expression that cannot be read is not allowed.
    """
    permitted = {item.casefold() for item in allow}
    tokens = expression.replace("(", " ( ").replace(")", " ) ").split()
    if not tokens or len(tokens) > _MAX_PARTS:
        return False
    parser = _Parser(tokens, permitted)
    try:
        result = parser.either()
    except (IndexError, ValueError):
        return False
    return result and parser.at == len(tokens)


class _Parser:
    """OR of ANDs of licences; AND binds closer than OR, as SPDX says (annex D)."""

    def __init__(self, tokens: list[str], permitted: AbstractSet[str]) -> None:
        self.tokens, self.permitted, self.at = tokens, permitted, 0

    def either(self) -> bool:
        result = self.all()
        while self._take("OR"):
            result = self.all() or result
        return result

    def all(self) -> bool:
        result = self.one()
        while self._take("AND"):
            result = self.one() and result
        return result

    def one(self) -> bool:
        if self._take("("):
            result = self.either()
            if not self._take(")"):
                raise ValueError("a bracket is open")
            return result
        licence = self._next()
        if self._take("WITH"):
            phrase = f"{licence} WITH {self._next()}".casefold()
            return phrase in self.permitted or licence.casefold() in self.permitted
        return licence.casefold() in self.permitted

    def _next(self) -> str:
        token = self.tokens[self.at]
        if token in {"AND", "OR", "WITH", "(", ")"}:
            raise ValueError(f"{token} stands where a licence should")
        self.at += 1
        return token

    def _take(self, word: str) -> bool:
        if self.at < len(self.tokens) and self.tokens[self.at].upper() == word:
            self.at += 1
            return True
        return False


def _without_fillers(text: str) -> str:
    words = text.lower().replace(",", " ").split()
    return " ".join(word for word in words if word not in _FILLERS)
