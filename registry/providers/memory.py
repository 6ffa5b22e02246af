from pathlib import Path

from registry.providers.base import HubFile, HubRefused, HubUnavailable, ModelHub


class MemoryHub(ModelHub):
    """A hub inside this process; for tests. `down = True` is an outage.

    `repositories` maps (repository, revision) to files by path.
    """

    def __init__(self) -> None:
        self.down = False
        self.repositories: dict[tuple[str, str], dict[str, bytes]] = {}

    def files(self, repository: str, revision: str) -> list[HubFile]:
        return [
            HubFile(path, len(content), "")
            for path, content in self._files(repository, revision).items()
        ]

    def download(self, repository: str, revision: str, path: str, target: Path) -> None:
        files = self._files(repository, revision)
        if path not in files:
            raise HubRefused(f"{repository} holds no {path}.")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(files[path])

    def _files(self, repository: str, revision: str) -> dict[str, bytes]:
        if self.down:
            raise HubUnavailable("The hub does not answer.")
        try:
            return self.repositories[repository, revision]
        except KeyError as error:
            raise HubRefused(f"There is no {repository} at {revision[:12]}.") from error
