"""Keys in AWS KMS, which never leave it: ECC_SECG_P256K1 and ECC_NIST_EDWARDS25519.

https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import boto3
from boto3.exceptions import Boto3Error
from botocore.client import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from hokusai.signers.algorithms.public_keys import KeyInvalid, PublicHalf, read_der
from hokusai.signers.backends.base import DIGEST, KeyBackend
from hokusai.signers.exceptions import SignerUnavailable, SignerUnusable

ATTEMPTS = 3
# KMS signs raw messages up to this length; Ed25519 has no other form (RFC 8032).
MAX_RAW = 4096
_AGAIN = frozenset(
    {
        "DependencyTimeoutException",
        "KMSInternalException",
        "KeyUnavailableException",
        "LimitExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
    }
)


class KmsKey(KeyBackend):
    """One key of AWS KMS by id or ARN; credentials are found as boto3 finds them."""

    label = "aws-kms"

    def __init__(
        self,
        *,
        key: str,
        region: str = "",
        endpoint_url: str = "",
        timeout_s: float = 10.0,
        attempts: int = ATTEMPTS,
    ) -> None:
        self._key = key
        self._place = (region, endpoint_url, timeout_s, attempts)

    def public_half(self) -> PublicHalf:
        """Return what is published of the key. Raises SignerUnusable, SignerUnavailable."""
        with self._errors():
            answer = _client(*self._place).get_public_key(KeyId=self._key)
        if answer["KeyUsage"] != "SIGN_VERIFY":
            raise SignerUnusable(f"The key {self._key} of KMS is not made for signing.")
        try:
            return read_der(answer["PublicKey"])
        except KeyInvalid as error:
            raise SignerUnusable(f"The key {self._key} of KMS cannot sign here.") from error

    def sign_bytes(self, data: bytes) -> bytes:
        """Return the Ed25519 signature of at most 4,096 bytes.

        Raises SignerUnusable for more, SignerUnavailable to ask again.
        """
        if len(data) > MAX_RAW:
            message = f"KMS signs at most {MAX_RAW:,} bytes with Ed25519; these are {len(data):,}."
            raise SignerUnusable(f"{message} Keep this key in a file.")
        return self._sign(data, "RAW", "ED25519_SHA_512")

    def sign_hashed(self, digest: bytes) -> tuple[int, int]:
        """Return r and s of a digest of 32 bytes. Raises SignerUnusable, SignerUnavailable."""
        if len(digest) != DIGEST:
            raise SignerUnusable("A digest is 32 bytes.")
        signature = self._sign(digest, "DIGEST", "ECDSA_SHA_256")
        try:
            return decode_dss_signature(signature)
        except ValueError as error:
            raise SignerUnusable("KMS answered no signature.") from error

    def _sign(self, message: bytes, kind: str, algorithm: str) -> bytes:
        with self._errors():
            answer = _client(*self._place).sign(
                KeyId=self._key, Message=message, MessageType=kind, SigningAlgorithm=algorithm
            )
        return bytes(answer["Signature"])

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """What KMS and the way to it answer, as ours."""
        try:
            yield
        except ParamValidationError as error:
            raise SignerUnusable("This version of boto3 does not know the algorithm.") from error
        except (NoCredentialsError, NoRegionError) as error:
            raise SignerUnusable("KMS needs credentials and a region; see docs/keys.md.") from error
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in _AGAIN:
                raise SignerUnavailable(f"KMS asks to try again: {code}.") from error
            raise SignerUnusable(f"KMS refuses to use the key {self._key}: {code}.") from error
        except (BotoCoreError, Boto3Error) as error:
            raise SignerUnavailable("KMS did not answer.") from error


@lru_cache
def _client(region: str, endpoint_url: str, timeout_s: float, attempts: int) -> Any:
    """One client per place: it keeps its connections."""
    return boto3.client(
        "kms",
        region_name=region or None,
        endpoint_url=endpoint_url or None,
        config=Config(
            connect_timeout=timeout_s,
            read_timeout=timeout_s,
            retries={"total_max_attempts": attempts, "mode": "standard"},
        ),
    )
