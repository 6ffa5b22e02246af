"""What may be asked of a lineage, and what is answered, as the API's description shows it."""

from typing import Any

from rest_framework import serializers

from hokusai.web.exports import EXPORTS
from registry.api.serializers import LineageEdgeSerializer, LineageNodeSerializer
from registry.choices import NodeKind
from registry.lineage import MAX_NODES


class KindsField(serializers.CharField):
    """Kinds of nodes, separated by commas."""

    def to_internal_value(self, data: Any) -> list[str]:  # type: ignore[override]
        """The kinds. Raises ValidationError for an unknown one."""
        kinds = [kind for kind in super().to_internal_value(data).split(",") if kind]
        if unknown := sorted(set(kinds) - set(NodeKind.values)):
            known = ", ".join(NodeKind.values)
            raise serializers.ValidationError(f"Unknown: {', '.join(unknown)}. One of {known}.")
        return kinds


class WalkQuerySerializer(serializers.Serializer):
    """Which part of a lineage is answered."""

    direction = serializers.ChoiceField(["both", "ancestors", "descendants"], default="both")
    kinds = KindsField(default="", help_text="kinds of nodes, separated by commas; all if absent")
    limit = serializers.IntegerField(min_value=1, max_value=MAX_NODES, default=1000)
    cursor = serializers.CharField(
        default="", max_length=200, help_text="`next_cursor` of the page before"
    )


class ExportQuerySerializer(serializers.Serializer):
    """How an answer is wanted; JSON where nothing is said."""

    export = serializers.ChoiceField(
        EXPORTS, required=False, help_text="a file instead: a table, or the graph as W3C PROV"
    )


class DownstreamQuerySerializer(ExportQuerySerializer):
    """Which part of what came of a thing is answered."""

    kinds = KindsField(default="", help_text="kinds of nodes, separated by commas; all if absent")
    limit = serializers.IntegerField(min_value=1, max_value=MAX_NODES, default=1000)


class GainQuerySerializer(ExportQuerySerializer):
    """Up to which version."""

    version = serializers.IntegerField(
        min_value=1, max_value=10**9 - 1, required=False, help_text="the head where absent"
    )


class NodesPageSerializer(serializers.Serializer):
    nodes = LineageNodeSerializer(many=True)
    next_cursor = serializers.CharField(help_text="empty at the end")


class EdgesPageSerializer(serializers.Serializer):
    edges = LineageEdgeSerializer(many=True)
    next_cursor = serializers.CharField(help_text="empty at the end")


class VersionUseSerializer(serializers.Serializer):
    version = LineageNodeSerializer()
    direct = serializers.BooleanField(help_text="trained on the table itself")
    generations = serializers.IntegerField(help_text="how far from a version trained on it")
    through = LineageNodeSerializer(allow_null=True, help_text="that version; null if direct")


class UsedBySerializer(serializers.Serializer):
    uses = VersionUseSerializer(many=True)
    truncated = serializers.BooleanField(help_text="whether there is more than the limit")


class ReachedSerializer(serializers.Serializer):
    node = LineageNodeSerializer()
    distance = serializers.IntegerField(help_text="edges from the thing asked about")


class DownstreamSerializer(serializers.Serializer):
    reached = ReachedSerializer(many=True)
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="by kind")
    truncated = serializers.BooleanField(help_text="whether there is more than the limit")


class CreditSerializer(serializers.Serializer):
    contribution = LineageNodeSerializer()
    contributor = LineageNodeSerializer(allow_null=True)
    basis_points = serializers.IntegerField(allow_null=True, help_text="of 10,000")


class GainStepSerializer(serializers.Serializer):
    baseline = LineageNodeSerializer()
    candidate = LineageNodeSerializer()
    state = serializers.ChoiceField(["measured", "hidden", "unmeasured"])
    metric = serializers.CharField(allow_blank=True)
    delta_ppm = serializers.IntegerField(allow_null=True, help_text="above 0: better")
    improvement = LineageNodeSerializer(allow_null=True)
    attestation = LineageNodeSerializer(allow_null=True)
    credits = CreditSerializer(many=True)


class GainSerializer(serializers.Serializer):
    version = LineageNodeSerializer(allow_null=True)
    steps = GainStepSerializer(many=True, help_text="oldest first")
    totals = serializers.DictField(child=serializers.IntegerField(), help_text="ppm by metric")
    note = serializers.CharField()


class ProvSerializer(serializers.Serializer):
    """A graph as PROV-JSON; relations are members of their own."""

    prefix = serializers.DictField(child=serializers.CharField())
    entity = serializers.DictField()
    activity = serializers.DictField()
    agent = serializers.DictField()
