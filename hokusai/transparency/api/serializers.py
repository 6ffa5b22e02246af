from typing import Any

from drf_spectacular.utils import (
    OpenApiExample,
    extend_schema_field,
    extend_schema_serializer,
)
from rest_framework import serializers

from hokusai.transparency import services
from hokusai.transparency.models import Checkpoint, LogLeaf
from hokusai.transparency.reports import policy_state
from hokusai.web.serializers import ReadSerializer

MAX_PAGE = 200
PAGE = 50
LARGEST = 2**53 - 1
ROOT = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
LEFT = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
RIGHT = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
LEAF = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
KEY = "0b6f6f9c2d5c3a7d8e1f4a5b6c7d8e9f0a1b2c3d4e5f60718293a4b5c6d7e8f9"
NOTE = (
    "local/production/log\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n\n"
    "\u2014 local/production/log Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5…\n"
)
CHECKPOINT_EXAMPLE = OpenApiExample(
    "Cosigned by one of two witnesses, as the policy asks",
    value={
        "origin": "local/production/log",
        "size": 8,
        "root": ROOT,
        "note": NOTE,
        "key_id": KEY,
        "signed_at": "2026-11-24T09:00:00Z",
        "witnesses": {"needed": 1, "of": 2, "cosigned": ["witness.example/w1"], "met": True},
    },
    response_only=True,
)
INCLUSION_EXAMPLE = OpenApiExample(
    "The first of four leaves",
    value={"index": 0, "size": 4, "leaf_hash": LEAF, "root": ROOT, "hashes": [RIGHT, LEFT]},
    response_only=True,
)
CONSISTENCY_EXAMPLE = OpenApiExample(
    "From one leaf to four",
    value={
        "first": 1,
        "second": 4,
        "first_root": LEAF,
        "second_root": ROOT,
        "hashes": [RIGHT, LEFT],
    },
    response_only=True,
)
LEAVES_EXAMPLE = OpenApiExample(
    "An attestation that follows nothing",
    value={
        "size": 8,
        "results": [
            {
                "index": 7,
                "kind": "attestation",
                "digest": ROOT,
                "key_id": KEY,
                "previous": "",
                "leaf_hash": LEAF,
                "sequenced_at": "2026-11-24T09:00:00Z",
            }
        ],
    },
    response_only=True,
)


class WitnessesSerializer(serializers.Serializer):
    """Cosignatures against the policy."""

    needed = serializers.IntegerField(help_text="how many the policy asks for")
    of = serializers.IntegerField(help_text="how many witnesses the policy names")
    cosigned = serializers.ListField(child=serializers.CharField(), help_text="their names")
    met = serializers.BooleanField()


@extend_schema_serializer(examples=[CHECKPOINT_EXAMPLE])
class CheckpointSerializer(ReadSerializer):
    """A signed size and root of the log."""

    origin = serializers.SerializerMethodField(help_text="the name of the log")
    size = serializers.IntegerField(help_text="how many leaves")
    root = serializers.CharField(  # type: ignore[assignment]
        help_text="RFC 6962, hexadecimal"
    )
    note = serializers.SerializerMethodField(help_text="C2SP checkpoint with all signatures")
    key_id = serializers.CharField(help_text="of the log's key; see `keys`")
    signed_at = serializers.DateTimeField()
    witnesses = serializers.SerializerMethodField()

    def get_origin(self, checkpoint: Checkpoint) -> str:
        """The note's first line."""
        return checkpoint.note.partition("\n")[0]

    def get_note(self, checkpoint: Checkpoint) -> str:
        """What verifiers take."""
        return services.note_of(checkpoint)

    @extend_schema_field(WitnessesSerializer)
    def get_witnesses(self, checkpoint: Checkpoint) -> dict[str, Any]:
        """Who cosigned, and how many must have."""
        return dict(WitnessesSerializer(policy_state(checkpoint)).data)


@extend_schema_serializer(examples=[INCLUSION_EXAMPLE])
class InclusionSerializer(serializers.Serializer):
    """A leaf is in the tree (RFC 6962, 2.1.1): all hashes in hexadecimal."""

    index = serializers.IntegerField()
    size = serializers.IntegerField()
    leaf_hash = serializers.SerializerMethodField()
    root = serializers.SerializerMethodField()  # type: ignore[assignment]
    hashes = serializers.SerializerMethodField(help_text="from the leaf to the root")

    def get_leaf_hash(self, proof: Any) -> str:
        """What the proof begins with."""
        return str(proof.leaf_hash.hex())

    def get_root(self, proof: Any) -> str:
        """What it leads to."""
        return str(proof.root.hex())

    def get_hashes(self, proof: Any) -> list[str]:
        """The neighbours on the way."""
        return [hashed.hex() for hashed in proof.hashes]


@extend_schema_serializer(examples=[CONSISTENCY_EXAMPLE])
class ConsistencySerializer(serializers.Serializer):
    """A tree begins with a smaller one (RFC 6962, 2.1.2): all hashes in hexadecimal."""

    first = serializers.IntegerField()
    second = serializers.IntegerField()
    first_root = serializers.SerializerMethodField()
    second_root = serializers.SerializerMethodField()
    hashes = serializers.SerializerMethodField()

    def get_first_root(self, proof: Any) -> str:
        """Of the smaller tree."""
        return str(proof.first_root.hex())

    def get_second_root(self, proof: Any) -> str:
        """Of the larger tree."""
        return str(proof.second_root.hex())

    def get_hashes(self, proof: Any) -> list[str]:
        """What leads from one to the other."""
        return [hashed.hex() for hashed in proof.hashes]


class LeafSerializer(serializers.Serializer):
    """A leaf: what its hash is made of, and never the statement."""

    index = serializers.IntegerField()
    kind = serializers.CharField(source="record.kind")
    digest = serializers.CharField(source="record.digest", help_text="sha256 of the statement")
    key_id = serializers.CharField(source="record.key_id", help_text="who signed it, if anybody")
    previous = serializers.CharField(source="record.previous", help_text="digest it follows")
    leaf_hash = serializers.SerializerMethodField()
    sequenced_at = serializers.DateTimeField()

    def get_leaf_hash(self, leaf: LogLeaf) -> str:
        """RFC 6962, hexadecimal."""
        return bytes(leaf.leaf_hash).hex()


@extend_schema_serializer(examples=[LEAVES_EXAMPLE], many=False)
class LeavesSerializer(serializers.Serializer):
    """Some leaves in order, and how many there are."""

    size = serializers.IntegerField()
    results = LeafSerializer(many=True)


class CheckpointsSerializer(serializers.Serializer):
    """Some checkpoints, the largest first."""

    results = CheckpointSerializer(many=True)


class LatestQuery(serializers.Serializer):
    witnessed = serializers.BooleanField(
        default=False, help_text="the last one that enough witnesses cosigned"
    )


class CheckpointsQuery(serializers.Serializer):
    below = serializers.IntegerField(
        required=False, min_value=1, max_value=LARGEST, help_text="only smaller ones"
    )
    count = serializers.IntegerField(default=PAGE, min_value=1, max_value=MAX_PAGE)


class InclusionQuery(serializers.Serializer):
    index = serializers.IntegerField(min_value=0, max_value=LARGEST)
    size = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=LARGEST,
        help_text="of the tree; the last checkpoint's where absent",
    )


class ConsistencyQuery(serializers.Serializer):
    first = serializers.IntegerField(min_value=1, max_value=LARGEST)
    second = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=LARGEST,
        help_text="the last checkpoint's where absent",
    )


class LeavesQuery(serializers.Serializer):
    start = serializers.IntegerField(default=0, min_value=0, max_value=LARGEST)
    count = serializers.IntegerField(default=PAGE, min_value=1, max_value=MAX_PAGE)
