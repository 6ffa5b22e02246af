import pytest
from huggingface_hub import ModelCard

from registry.algorithms.cards import (
    Card,
    CardFacts,
    CardRefused,
    Evaluation,
    missing,
    parse,
    render,
    to_html,
)

FACTS = CardFacts(
    name="Fraud detector",
    description="Finds fraud.",
    task="tabular-classification",
    licence="Apache-2.0",
    library="sklearn",
    datasets=("shop/orders@3",),
    evaluations=(Evaluation("accuracy", 0.93, "tabular-classification", "orders-2026"),),
    base_models=("shop/fraud@1",),
    tags=("tabular", "日本"),
)


def test_a_draft_is_read_back_by_the_hub_library() -> None:
    card = ModelCard(render(FACTS))
    assert (card.data.license, card.data.library_name) == ("apache-2.0", "sklearn")
    assert card.data.datasets == ["shop/orders@3"]
    assert card.data.tags == ["tabular", "日本"]
    (result,) = card.data.eval_results
    assert (result.metric_type, result.metric_value) == ("accuracy", 0.93)
    again = parse(str(card))
    assert again.metadata["model-index"] == parse(render(FACTS)).metadata["model-index"]
    assert again.body.startswith("# Fraud detector")


def test_a_draft_still_lacks_what_only_people_know() -> None:
    assert missing(parse(render(FACTS))) == ["intended use", "limitations"]


def test_a_filled_draft_lacks_nothing() -> None:
    sections = {"intended use": "Orders of the shop.", "limitations": "Only one country."}
    facts = CardFacts(
        name="x",
        licence="MIT",
        sections={**sections, "training data": "Orders.", "evaluation": "Well."},
    )
    assert missing(parse(render(facts))) == []


def test_a_licence_of_ones_own_keeps_its_name() -> None:
    metadata = parse(render(CardFacts(name="x", licence="LicenseRef-Ours"))).metadata
    assert (metadata["license"], metadata["license_name"]) == ("other", "LicenseRef-Ours")


def test_headings_without_text_and_headings_in_code_fill_nothing() -> None:
    body = "## Uses\n<!-- tell -->\n## Limitations\nnone known\n```\n## Evaluation\ntext\n```\n"
    assert missing(Card({"license": "mit"}, body)) == [
        "intended use",
        "training data",
        "evaluation",
    ]


def test_other_without_a_name_is_no_licence() -> None:
    assert "licence" in missing(Card({"license": "other"}, ""))
    assert "licence" not in missing(Card({"license": "other", "license_name": "ours"}, ""))


def test_a_card_without_front_matter_is_all_body() -> None:
    assert parse("# Title\n\n---\n\ntext") == Card({}, "# Title\n\n---\n\ntext")


def test_front_matter_of_windows_is_read() -> None:
    assert parse("---\r\nlicense: mit\r\n---\r\nbody") == Card({"license": "mit"}, "body")


@pytest.mark.parametrize(
    "text",
    [
        "---\na: &x [1]\nb: *x\n---\n",
        "---\n- list\n---\n",
        "---\n1: number\n---\n",
        "---\na: [\n---\n",
        "a\x00b",
        "x" * (512 * 1024 + 1),
    ],
)
def test_a_card_that_is_not_plain_is_refused(text: str) -> None:
    with pytest.raises(CardRefused):
        parse(text)


def test_html_keeps_structure() -> None:
    html = to_html("# Title\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\n[link](https://host.example)")
    assert "<h1>Title</h1>" in html
    assert "<td>1</td>" in html
    assert 'rel="noopener noreferrer nofollow"' in html


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![pixel](https://host.example/pixel.png)",
        "[x](javascript:alert(1))",
        "[x](data:text/html,hello)",
        '<a href="https://host.example" onclick="alert(1)">x</a>',
        "<!-- <b>x</b> -->",
    ],
)
def test_html_runs_nothing_and_fetches_nothing(body: str) -> None:
    html = to_html(body)
    for forbidden in ("<script", "<img", "<b>", 'href="javascript', 'href="data', "<a href"):
        assert forbidden not in html


def test_a_body_that_is_too_large_is_not_rendered() -> None:
    with pytest.raises(CardRefused):
        to_html("x" * (512 * 1024 + 1))
