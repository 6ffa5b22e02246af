from typing import Any

from rest_framework import serializers

from hokusai.web.serializers import ReadModelSerializer, ReadSerializer
from registry.choices import SecurityLevel
from registry.models import ArtifactScan, ArtifactSignature, ModelVersion, OnnxConversion


class ScanSerializer(serializers.ModelSerializer):
    reviewed_by = serializers.CharField(
        source="reviewed_by.username", allow_null=True, default=None
    )

    class Meta:
        model = ArtifactScan
        fields = (
            "verdict",
            "findings",
            "scanners",
            "scanned_at",
            "reviewed_by",
            "reviewed_at",
            "review_comment",
        )


class ArtifactArtifactSignatureSerializer(serializers.ModelSerializer):
    class Meta:
        model = ArtifactSignature
        fields = ("signer", "key_id", "tree_digest", "bundle", "created_at")


class OnnxConversionSerializer(serializers.ModelSerializer):
    class Meta:
        model = OnnxConversion
        fields = ("verdict", "reason", "tree_digest", "rows", "max_difference", "created_at")


class MetadataSerializer(ReadModelSerializer):
    """What is known of a version from its files and about them."""

    uses = serializers.SerializerMethodField()
    used_by = serializers.SerializerMethodField()
    scan = ScanSerializer(allow_null=True, default=None)
    signatures = ArtifactArtifactSignatureSerializer(many=True)
    onnx = OnnxConversionSerializer(
        source="conversion",
        allow_null=True,
        default=None,
        help_text="the same as ONNX, which serves where its verdict is `exact`; null before",
    )

    class Meta:
        model = ModelVersion
        fields = (
            "id",
            "requirements",
            "input_example",
            "uses",
            "used_by",
            "scan",
            "signatures",
            "onnx",
        )

    def get_uses(self, version: ModelVersion) -> list[str]:
        """Versions that it needs at run time, as far as whoever asks may see them."""
        return self._shown(version.uses)

    def get_used_by(self, version: ModelVersion) -> list[str]:
        """Versions that need it, as far as whoever asks may see them."""
        return self._shown(version.used_by)

    def _shown(self, versions: Any) -> list[str]:
        user = self.context["request"].user
        return list(versions.visible_to(user).order_by("pk").values_list("public_id", flat=True))


class DescribeSerializer(serializers.Serializer):
    description = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    licence = serializers.CharField(
        required=False, allow_blank=True, max_length=200, help_text="an SPDX expression"
    )
    security_level = serializers.ChoiceField(SecurityLevel.choices, required=False)
    code_revision = serializers.CharField(required=False, allow_blank=True, max_length=200)


class CardQuerySerializer(serializers.Serializer):
    export = serializers.ChoiceField(["json", "markdown"], default="json")


class CardSerializer(ReadSerializer):
    text = serializers.CharField(help_text="Markdown with YAML front matter")
    metadata = serializers.DictField()
    html = serializers.CharField(help_text="the body, safe to show")
    missing = serializers.ListField(
        child=serializers.CharField(), help_text="what a complete card still lacks"
    )
    draft = serializers.BooleanField(help_text="nobody wrote it; it is what is known")


class NewCardSerializer(serializers.Serializer):
    card = serializers.CharField(max_length=200_000, allow_blank=True, trim_whitespace=False)


class ArtifactFileSerializer(serializers.Serializer):
    path = serializers.CharField()
    size_bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    url = serializers.CharField()


class ArtifactSerializer(ReadSerializer):
    tree_digest = serializers.CharField(help_text="sha256 of the manifest")
    size_bytes = serializers.IntegerField()
    expires_in_s = serializers.IntegerField(help_text="how long the links work, in seconds")
    files = ArtifactFileSerializer(many=True)
