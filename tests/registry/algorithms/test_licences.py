import pytest

from registry.algorithms.licences import LicenceUnknown, allowed, hub_id, normalise


@pytest.mark.parametrize(
    ("written", "expression"),
    [
        ("apache-2.0", "Apache-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("mit", "MIT"),
        ("  MIT   License ", "MIT"),
        ("gpl-3.0", "GPL-3.0-only"),
        ("openrail", "LicenseRef-openrail"),
        ("llama3.1", "LicenseRef-llama3.1"),
        ("mit and (apache-2.0 or bsd-2-clause)", "MIT AND (Apache-2.0 OR BSD-2-Clause)"),
        ("gpl-2.0-only with classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"),
        ("licenseref-Our-Own", "LicenseRef-Our-Own"),
    ],
)
def test_what_people_and_the_hub_write_becomes_spdx(written: str, expression: str) -> None:
    assert normalise(written) == expression


@pytest.mark.parametrize("text", ["", "  ", "use at will", "(MIT", "MIT AND", "x" * 500, "other"])
def test_what_spdx_does_not_know_is_refused(text: str) -> None:
    with pytest.raises(LicenceUnknown):
        normalise(text)


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("MIT AND Apache-2.0", True),
        ("MIT AND GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("GPL-3.0-only OR MIT AND Apache-2.0", True),
        ("(GPL-3.0-only OR MIT) AND GPL-3.0-only", False),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", True),
        ("GPL-2.0-only", False),
        ("", False),
        ("MIT AND", False),
        ("MIT MIT", False),
        ("(MIT", False),
        ("OR MIT", False),
    ],
)
def test_and_needs_every_licence_and_or_needs_one(expression: str, answer: bool) -> None:
    allow = {"mit", "Apache-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"}
    assert allowed(expression, allow) is answer


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("Apache-2.0", "apache-2.0"),
        ("GPL-3.0-only", "gpl-3.0"),
        ("LicenseRef-openrail", "openrail"),
        ("LicenseRef-Our-Own", "other"),
        ("MIT AND Apache-2.0", "other"),
    ],
)
def test_the_hub_lists_it_under_its_own_id(expression: str, name: str) -> None:
    assert hub_id(expression) == name
