"""Model cards in the HuggingFace format: YAML front matter and Markdown.

https://huggingface.co/docs/hub/model-cards
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import nh3
import yaml
from markdown_it import MarkdownIt

from registry.algorithms.bounded_yaml import YamlRefused, load_plain
from registry.algorithms.licences import hub_id

MAX_CARD_BYTES: Final = 512 * 1024
MAX_NAME: Final = 96
NOT_STATED: Final = "Not stated yet."

# What a complete card answers, and the headings (lower case, as they begin) that answer it.
SECTIONS: Final[dict[str, tuple[str, ...]]] = {
    "intended use": ("intended use", "uses", "use", "direct use", "intended purpose"),
    "training data": ("training data", "training", "data", "dataset"),
    "evaluation": ("evaluation", "results", "metrics", "performance", "testing data"),
    "limitations": ("limitations", "bias", "risks", "caveats", "out-of-scope", "ethical"),
}
_FRONT = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)(?:\r?\n)?^---[ \t]*(?:\r?\n|\Z)", re.S | re.M)
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.+?)[ \t#]*$")
_COMMENT = re.compile(r"<!--.*?-->", re.S)
_FENCE = re.compile(r"^ {0,3}(```|~~~)")

_TAGS: Final = {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li",
    "ol", "p", "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES: Final = {"a": {"href", "title"}, "ol": {"start"}}


class CardRefused(ValueError):
    """The text is no model card that is read here."""


@dataclass(frozen=True, slots=True)
class Card:
    """`metadata`: the front matter; `body`: Markdown."""

    metadata: dict[str, Any]
    body: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One measured number: `metric` of the model for `task` on `dataset`."""

    metric: str
    value: float
    task: str
    dataset: str


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What a version's metadata says for a draft; `licence` is an SPDX expression."""

    name: str
    description: str = ""
    task: str = ""
    licence: str = ""
    library: str = ""
    datasets: tuple[str, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    base_models: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    sections: Mapping[str, str] = field(default_factory=dict)


def parse(text: str) -> Card:
    """Split a card into front matter and body.

    Raises CardRefused: too large, or front matter that is no plain YAML mapping.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_CARD_BYTES:
        raise CardRefused(f"A model card has at most {MAX_CARD_BYTES} bytes.")
    if "\x00" in text:
        raise CardRefused("A model card holds no zero byte.")
    found = _FRONT.match(text)
    if found is None:
        return Card({}, text.strip())
    try:
        metadata = load_plain(found[1]) or {}
    except YamlRefused as error:
        raise CardRefused(f"The front matter cannot be read. {error}") from error
    if not isinstance(metadata, dict) or not all(isinstance(key, str) for key in metadata):
        raise CardRefused("The front matter is no mapping of names.")
    return Card(metadata, text[found.end() :].strip())


def render(facts: CardFacts) -> str:
    """A draft of the card, as Markdown with front matter; what is unknown says so."""
    front = yaml.safe_dump(_metadata(facts), sort_keys=False, allow_unicode=True, width=100)
    parts = [f"---\n{front}---", f"# {_plain(facts.name)}"]
    if facts.description:
        parts.append(facts.description.strip())
    for title in SECTIONS:
        parts += [f"## {title.capitalize()}", _section(facts, title)]
    return "\n\n".join(parts) + "\n"


def missing(card: Card) -> list[str]:
    """What a complete card still lacks: names out of `SECTIONS`, and "licence"."""
    filled = _filled_headings(card.body)
    lacking = [
        name
        for name, openings in SECTIONS.items()
        if not any(heading.startswith(openings) for heading in filled)
    ]
    licence = card.metadata.get("license")
    named = isinstance(licence, str | list) and bool(licence)
    if not named or (licence == "other" and not card.metadata.get("license_name")):
        lacking.append("licence")
    return lacking


def to_html(body: str) -> str:
    """The Markdown as safe HTML: no raw HTML, no scripts, and no images from anywhere.

    Raises CardRefused where the text is too large.
    """
    if len(body) > MAX_CARD_BYTES:
        raise CardRefused(f"A model card has at most {MAX_CARD_BYTES} bytes.")
    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    return nh3.clean(
        markdown.render(_COMMENT.sub("", body)),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )


def _metadata(facts: CardFacts) -> dict[str, Any]:
    licence = hub_id(facts.licence) if facts.licence else ""
    stated = {
        "license": licence,
        "license_name": facts.licence if licence == "other" else "",
        "library_name": facts.library,
        "pipeline_tag": facts.task,
        "base_model": list(facts.base_models),
        "datasets": list(facts.datasets),
        "metrics": sorted({item.metric for item in facts.evaluations}),
        "tags": list(facts.tags),
        "model-index": _model_index(facts),
    }
    return {key: value for key, value in stated.items() if value}


def _model_index(facts: CardFacts) -> list[dict[str, Any]]:
    """Results grouped by task and dataset, as huggingface_hub reads them back."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for item in facts.evaluations:
        metric = {"type": item.metric, "value": item.value, "name": item.metric}
        groups.setdefault((item.task, item.dataset), []).append(metric)
    results = [
        {
            "task": {"type": task or "other"},
            "dataset": {"name": dataset, "type": dataset},
            "metrics": metrics,
        }
        for (task, dataset), metrics in groups.items()
    ]
    return [{"name": facts.name[:MAX_NAME], "results": results}] if results else []


def _section(facts: CardFacts, title: str) -> str:
    stated = facts.sections.get(title, "").strip()
    if stated:
        return stated
    if title == "training data" and facts.datasets:
        return "\n".join(f"- `{name}`" for name in facts.datasets)
    if title == "evaluation" and facts.evaluations:
        rows = [
            f"| {_cell(item.metric)} | {item.value:g} | {_cell(item.dataset)} |"
            for item in facts.evaluations
        ]
        return "\n".join(["| metric | value | dataset |", "| --- | --- | --- |", *rows])
    return NOT_STATED


def _plain(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return _plain(text).replace("|", "\\|")


def _filled_headings(body: str) -> set[str]:
    """The headings, lower case, that text follows before the next heading."""
    filled: set[str] = set()
    heading, fenced = "", False
    for line in _COMMENT.sub("", body).splitlines():
        fenced ^= _FENCE.match(line) is not None
        found = None if fenced else _HEADING.match(line)
        if found is not None:
            heading = found[1].strip().lower()
        elif (
            heading
            and line.strip()
            and line.strip() not in {NOT_STATED, "[More Information Needed]"}
        ):
            filled.add(heading)
    return filled
