from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from hokusai.signers.models import SigningKey
from hokusai.signers.reports import state_now
from hokusai.web.serializers import ReadModelSerializer

EXAMPLE = OpenApiExample(
    "A key on a chain that a newer one replaces",
    value={
        "id": "0b6f6f9c2d5c3a7d8e1f4a5b6c7d8e9f0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "algorithm": "secp256k1",
        "purpose": "chain",
        "public_pem": "-----BEGIN PUBLIC KEY-----\nMFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAE…\n"
        "-----END PUBLIC KEY-----\n",
        "address": "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
        "state": "retiring",
        "valid_from": "2026-01-05T09:00:00Z",
        "valid_until": "2026-12-01T09:00:00Z",
        "retired_at": "2026-11-24T09:00:00Z",
        "compromised_at": None,
        "compromised_from_index": None,
    },
    response_only=True,
)


@extend_schema_serializer(examples=[EXAMPLE])
class SigningKeySerializer(ReadModelSerializer):
    """A public key; nothing of the private half is known here."""

    id = serializers.CharField(
        source="key_id", read_only=True, help_text="sha256 of the public key, in hexadecimal"
    )
    state = serializers.SerializerMethodField(
        help_text="now: one of upcoming, live, retiring, retired, expired, compromised"
    )

    class Meta:
        model = SigningKey
        fields = (
            "id",
            "algorithm",
            "purpose",
            "public_pem",
            "address",
            "state",
            "valid_from",
            "valid_until",
            "retired_at",
            "compromised_at",
            "compromised_from_index",
        )

    def get_state(self, key: SigningKey) -> str:
        """Where the key stands now."""
        return str(state_now(key))
