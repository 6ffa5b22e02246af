from typing import Any

import orjson
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from contributions.models import Attestation, Revocation
from contributions.revocations import MAX_REASON
from contributions.signing_policies import MOST_KEYS
from hokusai.web.serializers import ReadSerializer

HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
DIGEST = r"^[0-9a-f]{64}\Z"


def _index_of(row: Attestation | Revocation) -> int | None:
    """The place of its record in the log; None while it waits for the sequencer."""
    leaf = getattr(row.log_record, "leaf", None)
    return None if leaf is None else int(leaf.index)


class AttestationLineSerializer(ReadSerializer):
    """One attestation in a list."""

    id = serializers.SerializerMethodField(help_text="sha256 of the statement; null until signed")
    status = serializers.CharField(help_text="one of pending, signed, revoked")
    model_id = serializers.CharField(source="improvement.model.model_id")
    improvement = serializers.CharField(source="improvement.public_id")
    key_id = serializers.CharField(help_text="the first signer's; empty until signed")
    issued_at = serializers.DateTimeField(allow_null=True, help_text="the signer's clock")
    signed_at = serializers.DateTimeField(allow_null=True, help_text="when it was complete")
    expires_at = serializers.DateTimeField(allow_null=True)
    log_index = serializers.SerializerMethodField(help_text="null until it is in the log")

    def get_id(self, attestation: Attestation) -> str | None:
        """The digest, or null."""
        return attestation.statement_id or None

    def get_log_index(self, attestation: Attestation) -> int | None:
        """The index, or null."""
        return _index_of(attestation)


class SignerSerializer(serializers.Serializer):
    """Who signed."""

    key_id = serializers.CharField()
    created_at = serializers.DateTimeField()


class AttestationSerializer(AttestationLineSerializer):
    """A signed statement; public to whoever has its id."""

    statement = serializers.SerializerMethodField(help_text="in-toto statement")
    signatures = SignerSerializer(many=True)
    eip712 = serializers.SerializerMethodField(help_text="null where there is none")
    revocation = serializers.SerializerMethodField(
        help_text="null, requested or signed; its own address tells why"
    )

    def get_statement(self, attestation: Attestation) -> dict[str, Any]:
        """The statement as JSON; the signed bytes are in the envelope."""
        statement: dict[str, Any] = orjson.loads(attestation.statement)
        return statement

    def get_eip712(self, attestation: Attestation) -> dict[str, Any] | None:
        """Typed data, digest, signature and signer."""
        made: dict[str, Any] = attestation.eip712
        return made or None

    def get_revocation(self, attestation: Attestation) -> str | None:
        """How far it is."""
        found = getattr(attestation, "revocation", None)
        if found is None:
            return None
        return "requested" if found.log_record_id is None else "signed"


class SignatureSerializer(serializers.Serializer):
    keyid = serializers.CharField()
    sig = serializers.CharField()


class EnvelopeSerializer(serializers.Serializer):
    """A DSSE envelope."""

    payloadType = serializers.CharField()  # noqa: N815
    payload = serializers.CharField(help_text="base64 of the statement's bytes")
    signatures = SignatureSerializer(many=True)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "an entry of a small log",
            {
                "index": 5,
                "size": 8,
                "leaf": {
                    "keyId": HASH,
                    "kind": "attestation",
                    "previous": "",
                    "statement": {"sha256": HASH},
                },
                "hashes": [HASH, HASH, HASH],
                "root": HASH,
                "checkpoint": "hokusai.example/production/log\n8\nn4bQ…=\n\n— hokusai.example…\n",
            },
            response_only=True,
        )
    ]
)
class ProofSerializer(ReadSerializer):
    """That the attestation is in the tree that a checkpoint states (RFC 6962)."""

    index = serializers.IntegerField(help_text="the leaf's place, from 0")
    size = serializers.IntegerField(help_text="leaves that the checkpoint covers")
    leaf = serializers.DictField(help_text="the leaf; hashed in its canonical form (RFC 8785)")
    hashes = serializers.ListField(child=serializers.CharField(), help_text="leaf to root")
    root = serializers.CharField()  # type: ignore[assignment]
    checkpoint = serializers.CharField(help_text="C2SP signed note with the witnesses' lines")


class ProofCheckSerializer(serializers.Serializer):
    """One check."""

    code = serializers.CharField()
    title = serializers.CharField()
    holds = serializers.BooleanField(
        allow_null=True, help_text="null where it cannot be made yet or does not apply"
    )
    text = serializers.CharField()


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "one that holds",
            {
                "holds": True,
                "complete": False,
                "checks": [
                    {
                        "code": "signatures",
                        "title": "Signatures",
                        "holds": True,
                        "text": "1 of 1 by 9f86d081884c.",
                    },
                    {
                        "code": "log",
                        "title": "In the transparency log",
                        "holds": None,
                        "text": "Entry 5; the next checkpoint will cover it.",
                    },
                ],
            },
            response_only=True,
        )
    ]
)
class ExaminationSerializer(ReadSerializer):
    """Every check of an attestation."""

    holds = serializers.BooleanField(help_text="nothing failed")
    complete = serializers.BooleanField(help_text="every check was made and holds")
    checks = ProofCheckSerializer(many=True)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "data with wrong labels",
            {"reason": "A third of the added rows carry labels of another set."},
            request_only=True,
        )
    ]
)
class NewRevocationSerializer(serializers.Serializer):
    """Why an attestation no longer stands; becomes public, for good."""

    reason = serializers.CharField(max_length=MAX_REASON)


class RevocationSerializer(ReadSerializer):
    """A revocation; its statement is signed and logged by the signer."""

    id = serializers.CharField(source="public_id")
    attestation = serializers.CharField(source="attestation.statement_id")
    reason = serializers.CharField()
    created_at = serializers.DateTimeField()
    signed_at = serializers.DateTimeField(allow_null=True)
    statement = serializers.SerializerMethodField(help_text="null until it is signed")
    envelope = serializers.SerializerMethodField(help_text="DSSE; null until it is signed")
    log_index = serializers.SerializerMethodField(help_text="null until it is in the log")

    def get_statement(self, revocation: Revocation) -> dict[str, Any] | None:
        """The statement as JSON."""
        return orjson.loads(revocation.statement) if revocation.statement else None

    def get_envelope(self, revocation: Revocation) -> dict[str, Any] | None:
        """The envelope as JSON."""
        made: dict[str, Any] = revocation.envelope
        return made or None

    def get_log_index(self, revocation: Revocation) -> int | None:
        """The index, or null."""
        return _index_of(revocation)


@extend_schema_serializer(
    examples=[OpenApiExample("one of two", {"required": 1, "key_ids": [HASH, HASH[::-1]]})]
)
class SigningPolicySerializer(serializers.Serializer):
    """How many of which keys have to sign; without keys, any one of the platform's."""

    required = serializers.IntegerField(  # type: ignore[assignment]
        min_value=1, max_value=MOST_KEYS
    )
    key_ids = serializers.ListField(
        child=serializers.RegexField(DIGEST), min_length=1, max_length=MOST_KEYS
    )


class SigningPolicyInForceSerializer(SigningPolicySerializer):
    """The policy that counts; no keys where the project states none."""

    key_ids = serializers.ListField(child=serializers.CharField())
