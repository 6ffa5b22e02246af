from pathlib import Path

import pytest

from hokusai.embedded import environment, keys
from hokusai.embedded.environment import Addresses, outside_parts, read_dotenv, runner_socket
from hokusai.embedded.errors import EmbeddedError
from hokusai.embedded.folder import DataFolder

ADDRESSES = Addresses(
    database_url="postgresql://app@db/hokusai",
    owner_url="postgresql://owner@db/hokusai",
    redis_url="redis://cache/0",
    tracking_uri="http://tracking",
    base_url="http://127.0.0.1:8000",
    store_url="http://127.0.0.1:8001",
)


def test_parts_named_in_the_environment_come_from_outside(tmp_path: Path) -> None:
    environ = {"REDIS_URL": "redis://elsewhere/0", "DATABASE_URL": ""}
    assert outside_parts(environ, tmp_path / ".env") == {"REDIS_URL": "redis://elsewhere/0"}


def test_the_environment_wins_over_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("REDIS_URL=redis://file/0\nDATABASE_URL='postgres://file/x'\n")
    found = outside_parts({"REDIS_URL": "redis://shell/0"}, tmp_path / ".env")
    assert found == {"REDIS_URL": "redis://shell/0", "DATABASE_URL": "postgres://file/x"}


def test_dotenv_knows_comments_export_and_quotes(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text('# A=1\nexport B="two words"\nC=x=y\n\nnonsense\n')
    assert read_dotenv(path) == {"B": "two words", "C": "x=y"}


def test_only_the_signer_knows_the_key(folder: DataFolder, monkeypatch) -> None:
    monkeypatch.setenv("SIGNING_KEY_FILE", str(folder.root / "elsewhere.pem"))
    shared = environment.shared_environment(folder, ADDRESSES)
    owner = environment.owner_environment(folder, ADDRESSES)
    signer = environment.signer_environment(folder, ADDRESSES)
    assert "SIGNING_KEY_FILE" not in shared
    assert "SIGNING_KEY_FILE" not in owner
    assert signer["SIGNING_KEY_FILE"] == str(folder.root / "elsewhere.pem")


@pytest.mark.parametrize("name", ["SIGNING_KEY", "LOG_KEY", "CHAIN_KEY"])
def test_only_the_signer_knows_where_its_keys_are(
    folder: DataFolder, monkeypatch, name: str
) -> None:
    for keeper in environment.KEEPERS:
        monkeypatch.delenv(f"{name}_{keeper}", raising=False)
    made = Path(environment.signer_environment(folder, ADDRESSES)[f"{name}_FILE"])
    assert made.read_text().startswith("-----BEGIN PRIVATE KEY-----")
    for keeper in ("PEM", "KMS"):
        monkeypatch.setenv(f"{name}_{keeper}", "given")
        signer = environment.signer_environment(folder, ADDRESSES)
        assert signer[f"{name}_{keeper}"] == "given"
        assert f"{name}_FILE" not in signer
        assert f"{name}_{keeper}" not in environment.shared_environment(folder, ADDRESSES)
        assert f"{name}_{keeper}" not in environment.owner_environment(folder, ADDRESSES)
        monkeypatch.delenv(f"{name}_{keeper}")


def test_only_the_signer_knows_the_key_for_models_and_all_know_its_public_half(
    folder: DataFolder, monkeypatch
) -> None:
    monkeypatch.delenv("MODEL_SIGNING_KEY_FILE", raising=False)
    monkeypatch.delenv("MODEL_SIGNING_PUBLIC_KEY_FILE", raising=False)
    shared = environment.shared_environment(folder, ADDRESSES)
    signer = environment.signer_environment(folder, ADDRESSES)
    private = Path(signer["MODEL_SIGNING_KEY_FILE"])
    assert "MODEL_SIGNING_KEY_FILE" not in shared
    published = Path(shared["MODEL_SIGNING_PUBLIC_KEY_FILE"]).read_text()
    assert published == keys.public_half(private)


def test_the_callers_key_for_models_is_published(folder: DataFolder, monkeypatch) -> None:
    given = folder.root / "given.pem"
    given.write_text(keys.new_model_signing_key())
    monkeypatch.setenv("MODEL_SIGNING_KEY_FILE", str(given))
    shared = environment.shared_environment(folder, ADDRESSES)
    assert "MODEL_SIGNING_KEY_FILE" not in shared
    published = Path(shared["MODEL_SIGNING_PUBLIC_KEY_FILE"]).read_text()
    assert published == keys.public_half(given)


def test_the_store_process_knows_its_folder_and_secret_alone(
    folder: DataFolder, monkeypatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-caller")
    monkeypatch.delenv("STORE_URL_SECRET", raising=False)
    shared = environment.shared_environment(folder, ADDRESSES)
    known = environment.store_environment(folder, ADDRESSES)
    assert known["STORE_URL_SECRET"] == shared["STORE_URL_SECRET"]
    assert len(known["STORE_URL_SECRET"]) >= 32
    assert known["STORE_ROOT"] == shared["CONTENT_STORE_ROOT"]
    assert known["STORE_ORIGINS"] == "http://127.0.0.1:8000,http://localhost:8000"
    private = {"AWS_SECRET_ACCESS_KEY", "SECRET_KEY", "API_KEY_PEPPER", "DATABASE_URL", "REDIS_URL"}
    assert private & set(known) == set()


def test_only_migrations_know_the_owner(folder: DataFolder, monkeypatch) -> None:
    monkeypatch.setenv("DATABASE_OWNER_URL", ADDRESSES.owner_url)
    shared = environment.shared_environment(folder, ADDRESSES)
    assert ADDRESSES.owner_url not in shared.values()
    owner = environment.owner_environment(folder, ADDRESSES)
    assert owner["DATABASE_URL"] == owner["DATABASE_OWNER_URL"] == ADDRESSES.owner_url


def test_secrets_are_made_once(folder: DataFolder, monkeypatch) -> None:
    for name in ("SECRET_KEY", "API_KEY_PEPPER"):
        monkeypatch.delenv(name, raising=False)
    first = environment.stack_variables(folder, ADDRESSES)
    second = environment.stack_variables(folder, ADDRESSES)
    assert first == second
    assert len({first["SECRET_KEY"], first["API_KEY_PEPPER"], ""}) == 3


def test_the_secrets_of_dotenv_win_over_ours(folder: DataFolder, monkeypatch, tmp_path) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.setattr(environment, "PROJECT_ROOT", tmp_path)
    (tmp_path / ".env").write_text("SECRET_KEY=of-the-file\n", encoding="ascii")
    assert environment.stack_variables(folder, ADDRESSES)["SECRET_KEY"] == "of-the-file"


def test_another_projects_settings_are_not_inherited(folder: DataFolder, monkeypatch) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "other.settings")
    shared = environment.shared_environment(folder, ADDRESSES)
    assert shared["DJANGO_SETTINGS_MODULE"] == "hokusai.settings.local"


def test_loopback_needs_no_proxy_and_other_exceptions_stay(folder: DataFolder, monkeypatch) -> None:
    monkeypatch.setenv("NO_PROXY", "internal.example")
    value = environment.shared_environment(folder, ADDRESSES)["NO_PROXY"]
    assert value.split(",") == ["internal.example", "127.0.0.1", "localhost", "::1"]


def test_a_socket_path_that_is_too_long_is_made_relative(monkeypatch, tmp_path: Path) -> None:
    project = tmp_path / ("p" * 100)
    monkeypatch.setattr(environment, "PROJECT_ROOT", project)
    folder = DataFolder(project / ".hokusai")
    assert runner_socket(folder) == ".hokusai/run/runner/runner.sock"


def test_a_far_folder_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="HOKUSAI_DATA_DIR"):
        runner_socket(DataFolder(tmp_path / ("p" * 100)))
