from collections.abc import Iterator, Sequence
from typing import Any

from botocore.exceptions import ClientError

from hokusai.storage.bucket import Bucket, translated
from hokusai.storage.multipart.base import (
    OpenUpload,
    PartsMismatch,
    UploadNotFound,
    UploadPart,
    UploadStore,
    check_key,
    check_number,
)
from hokusai.storage.trees import CHUNK

PREFIX = "uploads/"
REFUSED_PARTS = frozenset({"InvalidPart", "InvalidPartOrder", "EntityTooSmall"})


class S3Uploads(UploadStore):
    """Uploads straight into a bucket, under `uploads/`. The options are those of Bucket.

    The bucket's CORS rules let the console's origin PUT and read the header `ETag`.
    """

    def __init__(self, **options: Any) -> None:
        self._bucket = Bucket(**options)

    def begin(self, key: str) -> str:
        with translated():
            answer = self._bucket.client.create_multipart_upload(
                **self._named(key), ContentType="application/octet-stream"
            )
        return str(answer["UploadId"])

    def part_url(self, key: str, upload_id: str, number: int, *, expires_s: int) -> str:
        name = self._named(key)["Key"]
        return self._bucket.put_part_url(name, upload_id, check_number(number), expires_s=expires_s)

    def parts(self, key: str, upload_id: str) -> list[UploadPart]:
        with translated(absent=_no_upload()):
            paginator = self._bucket.client.get_paginator("list_parts")
            pages = list(paginator.paginate(**self._named(key), UploadId=upload_id))
        return [
            UploadPart(part["PartNumber"], part["Size"], part["ETag"].strip('"'))
            for page in pages
            for part in page.get("Parts", ())
        ]

    def _join(self, key: str, upload_id: str, parts: Sequence[UploadPart]) -> None:
        chosen = [{"PartNumber": part.number, "ETag": f'"{part.etag}"'} for part in parts]
        with translated(absent=_no_upload()):
            try:
                self._bucket.client.complete_multipart_upload(
                    **self._named(key), UploadId=upload_id, MultipartUpload={"Parts": chosen}
                )
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") not in REFUSED_PARTS:
                    raise
                raise PartsMismatch("The bucket cannot join these parts.") from error

    def abort(self, key: str, upload_id: str) -> None:
        try:
            with translated(absent=_no_upload()):
                self._bucket.client.abort_multipart_upload(**self._named(key), UploadId=upload_id)
        except UploadNotFound:
            return

    def unfinished(self) -> Iterator[OpenUpload]:
        for page in self._bucket.pages("list_multipart_uploads", Prefix=PREFIX):
            for upload in page.get("Uploads", ()):
                key = upload["Key"].removeprefix(PREFIX)
                yield OpenUpload(key, upload["UploadId"], upload["Initiated"])

    def size(self, key: str) -> int:
        with translated(absent=_no_object()):
            return int(self._bucket.client.head_object(**self._named(key))["ContentLength"])

    def _read_from(self, key: str, offset: int) -> Iterator[bytes]:
        with translated(absent=_no_object()):
            answer = self._bucket.client.get_object(**self._named(key), Range=f"bytes={offset}-")
            yield from answer["Body"].iter_chunks(CHUNK)

    def delete(self, key: str) -> None:
        with translated():
            self._bucket.client.delete_object(**self._named(key))

    def _named(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket.name, "Key": PREFIX + check_key(key)}


def _no_upload() -> UploadNotFound:
    return UploadNotFound("There is no such upload.")


def _no_object() -> UploadNotFound:
    return UploadNotFound("There is no completed upload of this name.")
