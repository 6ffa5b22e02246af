"""One bucket of S3 or of what speaks like it: clients, signed links, and errors as ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any
from urllib.parse import quote

from boto3.exceptions import Boto3Error
from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage

from hokusai.core.errors import DomainError
from hokusai.storage.base import StorageUnavailable

ABSENT = frozenset({"404", "NoSuchKey", "NoSuchUpload", "NotFound"})
ATTEMPTS = 3


class Bucket:
    """Reads and writes through `endpoint_url`; links name `public_url`, as clients reach it.

    Without a key, credentials are found as boto3 finds them (environment, instance role).
    Encryption and access are the bucket's own policy.
    """

    def __init__(
        self,
        *,
        name: str,
        endpoint_url: str = "",
        public_url: str = "",
        region: str = "",
        access_key: str = "",
        secret_key: str = "",
        timeout_s: float = 10.0,
    ) -> None:
        self.name = name
        self._endpoint_url, self._public_url = endpoint_url, public_url or endpoint_url
        self._options = {
            "bucket_name": name,
            "region_name": region or None,
            "access_key": access_key or None,
            "secret_key": secret_key or None,
            "querystring_auth": True,
            "file_overwrite": True,
            "client_config": self._config(timeout_s),
        }

    @cached_property
    def client(self) -> Any:
        """The client for what this process reads and writes."""
        return self._storage(self._endpoint_url).connection.meta.client

    @cached_property
    def signer(self) -> S3Storage:
        """Makes links; asks nobody."""
        return self._storage(self._public_url)

    def get_url(self, key: str, *, filename: str, expires_s: int) -> str:
        """A link by which anybody may fetch an object as a download."""
        disposition = f"attachment; filename*=utf-8''{quote(filename, safe='')}"
        parameters = {
            "ResponseContentDisposition": disposition,
            "ResponseContentType": "application/octet-stream",
        }
        with translated():
            return str(self.signer.url(key, parameters=parameters, expire=expires_s))

    def put_part_url(self, key: str, upload_id: str, number: int, *, expires_s: int) -> str:
        """A link to which anybody may PUT one part."""
        parameters = {
            "Bucket": self.name,
            "Key": key,
            "UploadId": upload_id,
            "PartNumber": number,
        }
        client = self.signer.connection.meta.client
        with translated():
            return str(
                client.generate_presigned_url("upload_part", parameters, ExpiresIn=expires_s)
            )

    def pages(self, operation: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Each page of a listing."""
        with translated():
            paginator = self.client.get_paginator(operation)
            yield from paginator.paginate(Bucket=self.name, **parameters)

    def _storage(self, endpoint_url: str) -> S3Storage:
        return S3Storage(**self._options, endpoint_url=endpoint_url or None)

    def _config(self, timeout_s: float) -> Config:
        return Config(
            signature_version="s3v4",
            # A server of one's own seldom has a name for each bucket.
            s3={"addressing_style": "path" if self._endpoint_url else "auto"},
            connect_timeout=timeout_s,
            read_timeout=timeout_s,
            retries={"mode": "standard", "max_attempts": ATTEMPTS},
            # Ours are sent by name; a link must not demand a checksum of whoever uses it.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )


@contextmanager
def translated(absent: DomainError | None = None) -> Iterator[None]:
    """Raise the platform's errors in place of boto3's; `absent` where the object is not there."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if absent is not None and code in ABSENT:
            raise absent from error
        raise StorageUnavailable(f"The bucket refused: {code}.", code=code) from error
    except (BotoCoreError, Boto3Error) as error:
        raise StorageUnavailable(f"The bucket does not answer: {error}") from error
