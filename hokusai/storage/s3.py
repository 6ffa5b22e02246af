import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from boto3.s3.transfer import TransferConfig

from hokusai.storage.base import (
    ContentDamaged,
    ContentMissing,
    ContentStore,
    Kind,
    StoredObject,
    checked_digest,
)
from hokusai.storage.bucket import Bucket, translated
from hokusai.storage.local import LocalStore, parsed_manifest
from hokusai.storage.trees import CHUNK, Manifest, TreeFile, file_digest, files_of, manifest_of
from hokusai.storehouse.layout import DIGEST

MIB = 1024 * 1024
SINGLE_BYTES = 8 * MIB
# 10,000 parts of it hold more than the largest upload.
TRANSFER = TransferConfig(multipart_threshold=SINGLE_BYTES, multipart_chunksize=16 * MIB)
# What a re-put leaves alone: the sweep removes nothing that was kept within its grace.
FRESH = timedelta(hours=1)
MANIFEST = "manifest.json"


class S3Store(ContentStore):
    """Content in a bucket, and on this machine what the runner reads of it.

    blobs/ab/<sha256>    trees/<tree digest>/manifest.json    and, under `root`, a LocalStore

    `root` is a cache: it may be removed whenever no model runs. The other options are those of
    Bucket. An object's metadata says its sha256, which links show as `x-amz-meta-sha256`.
    """

    def __init__(self, *, root: str, **options: Any) -> None:
        self.cache = LocalStore(root=root)
        self._bucket = Bucket(**options)

    def put(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        if not self._renewed(_blob(digest), digest, len(content)):
            self._write(_blob(digest), content, digest)
        return digest

    def put_file(self, path: Path) -> str:
        digest = file_digest(path)
        self._put_file(path, digest)
        return digest

    def get(self, digest: str) -> bytes:
        return b"".join(self._proven(digest))

    def verify(self, digest: str) -> int:
        return sum(len(chunk) for chunk in self._proven(digest))

    def put_tree(self, folder: Path) -> Manifest:
        manifest = manifest_of(folder)
        places = dict(files_of(folder))
        for file in manifest.files:
            self._put_file(places[file.path], file.sha256)
        # Last, and whole or not at all: a tree that can be read has all its blobs.
        if not self._renewed(_tree(manifest.digest), manifest.digest, len(manifest.content)):
            self._write(_tree(manifest.digest), manifest.content, manifest.digest)
        return manifest

    def manifest(self, tree_digest: str) -> Manifest:
        content = b"".join(self._chunks(_tree(checked_digest(tree_digest))))
        return parsed_manifest(content, tree_digest)

    def verify_tree(self, tree_digest: str) -> Manifest:
        manifest = self.manifest(tree_digest)
        for digest in {file.sha256 for file in manifest.files}:
            self.verify(digest)
        return manifest

    def materialise(self, tree_digest: str) -> Path:
        manifest = self._known_manifest(tree_digest)
        for file in manifest.files:
            self._fetch(file)
        return self.cache.lay_out(manifest)

    def blob_url(self, digest: str, *, filename: str, expires_s: int) -> str:
        return self._bucket.get_url(
            _blob(checked_digest(digest)), filename=filename, expires_s=expires_s
        )

    def stored(self) -> Iterator[StoredObject]:
        for prefix in ("blobs/", "trees/"):
            for page in self._bucket.pages("list_objects_v2", Prefix=prefix):
                for entry in page.get("Contents", ()):
                    yield from _listed(entry)
            for page in self._bucket.pages("list_multipart_uploads", Prefix=prefix):
                for upload in page.get("Uploads", ()):
                    name = f"{upload['Key']}?{upload['UploadId']}"
                    yield StoredObject("draft", name, 0, upload["Initiated"])

    def remove(self, kind: Kind, digest: str, *, unless_since: datetime | None = None) -> bool:
        if kind == "draft":
            return self._remove_draft(digest)
        key = _blob(checked_digest(digest)) if kind == "blob" else _tree(checked_digest(digest))
        found = self._head(key)
        if found is None or (unless_since is not None and found["LastModified"] >= unless_since):
            return False
        with translated():
            self._bucket.client.delete_object(Bucket=self._bucket.name, Key=key)
        self.cache.remove(kind, digest)
        return True

    def _proven(self, digest: str) -> Iterator[bytes]:
        """The chunks of a blob; ContentDamaged after the last where they do not match."""
        proof = hashlib.sha256()
        for chunk in self._chunks(_blob(checked_digest(digest))):
            proof.update(chunk)
            yield chunk
        if proof.hexdigest() != digest:
            raise ContentDamaged("Stored bytes no longer match their digest.", digest=digest)

    def _chunks(self, key: str) -> Iterator[bytes]:
        absent = ContentMissing("The store holds nothing under this digest.", key=key)
        with translated(absent=absent):
            answer = self._bucket.client.get_object(Bucket=self._bucket.name, Key=key)
            yield from answer["Body"].iter_chunks(CHUNK)

    def _write(self, key: str, content: bytes, digest: str) -> None:
        with translated():
            self._bucket.client.put_object(
                Bucket=self._bucket.name,
                Key=key,
                Body=content,
                ChecksumSHA256=base64.b64encode(bytes.fromhex(digest)).decode("ascii"),
                **_facts(digest),
            )

    def _put_file(self, path: Path, digest: str) -> None:
        before = path.stat()
        if self._renewed(_blob(digest), digest, before.st_size):
            return
        if before.st_size <= SINGLE_BYTES:
            self._write(_blob(digest), path.read_bytes(), digest)
            return
        with translated():
            self._bucket.client.upload_file(
                str(path),
                self._bucket.name,
                _blob(digest),
                ExtraArgs={"ChecksumAlgorithm": "SHA256", **_facts(digest)},
                Config=TRANSFER,
            )
        after = path.stat()
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            self.remove("blob", digest)
            raise ContentDamaged(f"{path.name} changed while it was read.", digest=digest)

    def _renewed(self, key: str, digest: str, size_bytes: int) -> bool:
        """Whether the object is there and whole; then it counts as kept now."""
        found = self._head(key)
        whole = found is not None and found["ContentLength"] == size_bytes
        if found is None or not whole or found["Metadata"].get("sha256") != digest:
            return False
        if datetime.now(UTC) - found["LastModified"] > FRESH:
            itself = {"Bucket": self._bucket.name, "Key": key}
            extra = {"MetadataDirective": "REPLACE", **_facts(digest)}
            with translated():
                self._bucket.client.copy(itself, self._bucket.name, key, ExtraArgs=extra)
        return True

    def _head(self, key: str) -> dict[str, Any] | None:
        absent = ContentMissing("The store holds nothing under this digest.", key=key)
        try:
            with translated(absent=absent):
                answer: dict[str, Any] = self._bucket.client.head_object(
                    Bucket=self._bucket.name, Key=key
                )
        except ContentMissing:
            return None
        return answer

    def _known_manifest(self, tree_digest: str) -> Manifest:
        try:
            return self.cache.manifest(tree_digest)
        except (ContentMissing, ContentDamaged):
            return self.manifest(tree_digest)

    def _fetch(self, file: TreeFile) -> None:
        if not self.cache.holds(file.sha256):
            self.cache.keep(self._chunks(_blob(file.sha256)), file.sha256)

    def _remove_draft(self, name: str) -> bool:
        key, _, upload_id = name.partition("?")
        gone = ContentMissing("There is no such draft.")
        try:
            with translated(absent=gone):
                self._bucket.client.abort_multipart_upload(
                    Bucket=self._bucket.name, Key=key, UploadId=upload_id
                )
        except ContentMissing:
            return False
        return True


def _blob(digest: str) -> str:
    return f"blobs/{digest[:2]}/{digest}"


def _tree(digest: str) -> str:
    return f"trees/{digest}/{MANIFEST}"


def _facts(digest: str) -> dict[str, Any]:
    return {"Metadata": {"sha256": digest}, "ContentType": "application/octet-stream"}


def _listed(entry: dict[str, Any]) -> Iterator[StoredObject]:
    kind, _, rest = entry["Key"].partition("/")
    digest = rest.removesuffix(f"/{MANIFEST}") if kind == "trees" else rest.rpartition("/")[2]
    if DIGEST.fullmatch(digest):
        what: Kind = "tree" if kind == "trees" else "blob"
        yield StoredObject(what, digest, entry["Size"], entry["LastModified"])
