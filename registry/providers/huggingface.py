"""The HuggingFace Hub through its own client. Imported by workers only."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Plain HTTP: the other way in fetches from hosts that no setting names.
os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, HTTPError

from registry.providers.base import HubFile, HubRefused, HubUnavailable, ModelHub

_TOO_MANY, _SERVER_ERROR = 429, 500


class HuggingFaceHub(ModelHub):
    """Repositories at `endpoint`; a `token` opens what its owner may read."""

    def __init__(self, *, endpoint: str, token: str = "", timeout_s: float = 30.0) -> None:
        self.endpoint, self.timeout_s = endpoint, timeout_s
        # False, not None: without a token the client would look for this machine's own.
        self.token: str | bool = token or False
        self._api = HfApi(endpoint=endpoint, token=self.token)

    def files(self, repository: str, revision: str) -> list[HubFile]:
        with _translated():
            info = self._api.model_info(
                repository, revision=revision, files_metadata=True, timeout=self.timeout_s
            )
        return [
            HubFile(row.rfilename, row.size or 0, row.lfs.sha256 if row.lfs else "")
            for row in info.siblings or ()
        ]

    def download(self, repository: str, revision: str, path: str, target: Path) -> None:
        folder = target.parent / f"{target.name}.hub"
        with _translated():
            found = hf_hub_download(
                repository,
                path,
                revision=revision,
                local_dir=folder,
                endpoint=self.endpoint,
                token=self.token,
                etag_timeout=self.timeout_s,
            )
        Path(found).replace(target)
        shutil.rmtree(folder)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else _SERVER_ERROR
        reason = str(error).strip().splitlines()[0][:300]
        if status >= _SERVER_ERROR or status == _TOO_MANY:
            raise HubUnavailable(f"The hub answers {status}: {reason}") from error
        raise HubRefused(f"The hub refuses: {reason}") from error
    except HFValidationError as error:
        raise HubRefused(f"The hub cannot read this: {error}") from error
    except (HTTPError, OSError) as error:
        raise HubUnavailable("The hub does not answer.") from error
