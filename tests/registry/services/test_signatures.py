from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pytest_django import Settings

from hokusai.core.errors import Conflict
from hokusai.core.events import Actor
from hokusai.core.models import Event
from registry.choices import ArtifactState
from registry.exceptions import ArtifactNotReady, SignatureRefused
from registry.models import ModelVersion
from registry.services.signatures import add_signature
from registry.signatures import signatures_of
from tests.registry.test_signing import (  # noqa: F401 - fixtures
    KEY,
    PARTNER,
    public,
    signed_by,
    signer,
    version,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def files(version: ModelVersion, tmp_path: Path) -> Path:  # noqa: F811
    """The third party's own copy."""
    return tmp_path / "files"


def test_a_third_partys_signature_is_verified_and_kept(
    version: ModelVersion,  # noqa: F811
    files: Path,
    tmp_path: Path,
    actor: Actor,
) -> None:
    bundle = signed_by(PARTNER, files, tmp_path)
    row = add_signature(version_id=version.pk, bundle=bundle, actor=actor)
    assert row.signer == "partner"
    assert Event.objects.get(tag="version:countersigned").after["signer"] == "partner"
    assert [(state.signer, state.problem) for state in signatures_of(version)] == [("partner", "")]
    with pytest.raises(Conflict, match="already"):
        add_signature(version_id=version.pk, bundle=bundle, actor=actor)


def test_a_signature_over_other_files_is_refused_and_names_them(
    version: ModelVersion,  # noqa: F811
    files: Path,
    tmp_path: Path,
    actor: Actor,
) -> None:
    (files / "data" / "model.bin").write_bytes(b"Weights")
    (files / "more").write_text("x")
    bundle = signed_by(PARTNER, files, tmp_path)
    with pytest.raises(SignatureRefused, match=r"changed: data/model\.bin; removed: more"):
        add_signature(version_id=version.pk, bundle=bundle, actor=actor)
    assert not version.signatures.exists()


def test_a_key_that_is_not_trusted_is_refused(
    version: ModelVersion,  # noqa: F811
    files: Path,
    tmp_path: Path,
    actor: Actor,
) -> None:
    for key in (KEY, ec.generate_private_key(ec.SECP256R1())):
        bundle = signed_by(key, files, tmp_path)
        with pytest.raises(SignatureRefused, match="not known"):
            add_signature(version_id=version.pk, bundle=bundle, actor=actor)


def test_a_party_that_is_no_longer_trusted_is_told(
    version: ModelVersion,  # noqa: F811
    files: Path,
    tmp_path: Path,
    actor: Actor,
    settings: Settings,
) -> None:
    bundle = signed_by(PARTNER, files, tmp_path)
    add_signature(version_id=version.pk, bundle=bundle, actor=actor)
    settings.MODEL_SIGNING_TRUSTED_KEYS = {"other": public(KEY)}
    assert "no longer trusted" in signatures_of(version)[0].problem


def test_a_version_without_files_takes_no_signature(
    version: ModelVersion,  # noqa: F811
    actor: Actor,
) -> None:
    ModelVersion.objects.filter(pk=version.pk).update(artifact_state=ArtifactState.COPYING)
    with pytest.raises(ArtifactNotReady):
        add_signature(version_id=version.pk, bundle="{}", actor=actor)
