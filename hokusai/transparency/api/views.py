from collections.abc import Sequence
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from hokusai.core.errors import NotFound
from hokusai.transparency import reports, services
from hokusai.transparency.api import serializers as forms
from hokusai.transparency.api.renderers import NoteRenderer
from hokusai.transparency.models import Checkpoint
from hokusai.web.permissions import Everybody
from hokusai.web.renderers import OrjsonRenderer
from hokusai.web.serializers import ErrorSerializer
from hokusai.web.views import GuardedView

ABSENT = {404: OpenApiResponse(ErrorSerializer, "The log has no such leaf, size or checkpoint.")}


class LogView(GuardedView):
    """Public without login: what a verifier needs."""

    permission_classes = (Everybody,)

    def asked(self, form: type[Serializer]) -> dict[str, Any]:
        """The query, checked. Raises ValidationError."""
        given = form(data=self.request.query_params)
        given.is_valid(raise_exception=True)
        return dict(given.validated_data)

    def size(self) -> int | None:
        """Of the last checkpoint; None, which stands for the whole tree, before the first."""
        last = services.latest_checkpoint()
        return last.size if last else None


class CheckpointView(LogView):
    renderer_classes: Sequence[Any] = (OrjsonRenderer, NoteRenderer)

    @extend_schema(
        operation_id="log_checkpoint",
        parameters=[forms.LatestQuery],
        responses={
            (200, "application/json"): forms.CheckpointSerializer,
            (200, "text/plain"): OpenApiResponse(OpenApiTypes.STR, "The signed note."),
            **ABSENT,
        },
    )
    def get(self, request: Request) -> Response:
        """Show the last checkpoint: JSON, or the signed note for `text/plain` or `?format=note`."""
        witnessed = self.asked(forms.LatestQuery)["witnessed"]
        find = services.witnessed_checkpoint if witnessed else services.latest_checkpoint
        found = find()
        if found is None:
            raise NotFound("There is no such checkpoint yet.")
        data = forms.CheckpointSerializer(found, context={"request": request}).data
        return Response(data)


class CheckpointsView(LogView):
    @extend_schema(
        operation_id="log_checkpoints",
        parameters=[forms.CheckpointsQuery],
        responses=forms.CheckpointsSerializer,
    )
    def get(self, request: Request) -> Response:
        """List checkpoints, the largest first; go on with `below` and the smallest size shown."""
        asked = self.asked(forms.CheckpointsQuery)
        rows = Checkpoint.objects.prefetch_related("cosignatures")
        if below := asked.get("below"):
            rows = rows.filter(size__lt=below)
        return Response(forms.CheckpointsSerializer({"results": rows[: asked["count"]]}).data)


class InclusionView(LogView):
    @extend_schema(
        operation_id="log_proof",
        parameters=[forms.InclusionQuery],
        responses={200: forms.InclusionSerializer, **ABSENT},
    )
    def get(self, request: Request) -> Response:
        """Prove that a leaf is in the tree of a size."""
        asked = self.asked(forms.InclusionQuery)
        proof = services.inclusion(asked["index"], asked.get("size", self.size()))
        return Response(forms.InclusionSerializer(proof).data)


class ConsistencyView(LogView):
    @extend_schema(
        operation_id="log_consistency",
        parameters=[forms.ConsistencyQuery],
        responses={200: forms.ConsistencySerializer, **ABSENT},
    )
    def get(self, request: Request) -> Response:
        """Prove that a tree begins with a smaller one."""
        asked = self.asked(forms.ConsistencyQuery)
        proof = services.consistency(asked["first"], asked.get("second", self.size()))
        return Response(forms.ConsistencySerializer(proof).data)


class LeavesView(LogView):
    @extend_schema(
        operation_id="log_leaves",
        parameters=[forms.LeavesQuery],
        responses=forms.LeavesSerializer,
    )
    def get(self, request: Request) -> Response:
        """List leaves in order: kinds, digests and keys, never the statements."""
        asked = self.asked(forms.LeavesQuery)
        page = reports.leaves_page(asked["start"], asked["count"])
        return Response(forms.LeavesSerializer(page).data)
