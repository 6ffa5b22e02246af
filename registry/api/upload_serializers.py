from typing import Any

from rest_framework import serializers

from hokusai.web.serializers import ReadModelSerializer
from registry.models import Upload, UploadFile
from registry.services import FileStatement

SHA256 = r"^[0-9a-f]{64}\Z"
MAX_FILES = 2000


class UploadFileSerializer(serializers.ModelSerializer):
    """One file and how it is cut; links to its parts come from `…/parts`."""

    part_count = serializers.SerializerMethodField()

    class Meta:
        model = UploadFile
        fields = ("path", "size_bytes", "sha256", "part_bytes", "part_count")

    def get_part_count(self, row: UploadFile) -> int:
        """How many parts; an empty file has one."""
        return part_count(row)


def part_count(row: UploadFile) -> int:
    """Parts of a file, numbered from 1."""
    return max(1, -(-row.size_bytes // row.part_bytes))


class UploadSerializer(ReadModelSerializer):
    project = serializers.CharField(source="project.slug")
    source = serializers.SerializerMethodField(  # type: ignore[assignment]
        help_text="what a version is registered from once the upload is completed"
    )
    files = UploadFileSerializer(many=True)

    class Meta:
        model = Upload
        fields = ("id", "project", "state", "source", "files", "expires_at", "created_at")

    def get_source(self, upload: Upload) -> str:
        """The address for `models/register`."""
        return f"upload:/{upload.public_id}"


class FileStatementSerializer(serializers.Serializer):
    path = serializers.CharField(max_length=500)
    size_bytes = serializers.IntegerField(min_value=0, max_value=2**53)
    sha256 = serializers.RegexField(SHA256)


class NewUploadSerializer(serializers.Serializer):
    """The files that will be sent, as they are on the sender's disk."""

    project = serializers.CharField(max_length=63)
    files = serializers.ListField(
        child=FileStatementSerializer(), allow_empty=False, max_length=MAX_FILES
    )

    def validate_files(self, value: list[dict[str, Any]]) -> list[FileStatement]:
        """As the service takes them."""
        return [FileStatement(**row) for row in value]


class PartsQuerySerializer(serializers.Serializer):
    file = serializers.IntegerField(min_value=0, max_value=MAX_FILES, default=0)
    first = serializers.IntegerField(min_value=1, max_value=10_000, default=1)
    count = serializers.IntegerField(min_value=1, max_value=1000, default=100)


class PartLinkSerializer(serializers.Serializer):
    number = serializers.IntegerField()
    url = serializers.URLField(help_text="PUT the part's bytes here; no other header is needed")


class PartLinksSerializer(serializers.Serializer):
    parts = PartLinkSerializer(many=True)
    next = serializers.IntegerField(allow_null=True, help_text="`first` of the next links")
