from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contributions.api.attestations import attestation_by
from contributions.bundles import bundle_of, trust_of_this_instance
from contributions.disclosure import disclose_row
from contributions.models import Attestation, Contribution
from experiments.choices import BenchmarkStatus
from hokusai.core.errors import Forbidden
from hokusai.web.permissions import Everybody, credential_of
from hokusai.web.serializers import ErrorSerializer, ReadSerializer
from hokusai.web.views import GuardedView, ScopedViewSet

HASH = "0" * 64


@extend_schema_serializer(
    examples=[
        OpenApiExample("by its place", {"index": 17}, request_only=True),
        OpenApiExample("by its cells", {"row": {"x": 1.5, "label": 0}}, request_only=True),
    ]
)
class RowToShowSerializer(serializers.Serializer):
    """Which row to show: its place in the file, from 0, or all of its cells by column."""

    index = serializers.IntegerField(min_value=0, max_value=2**31 - 1, required=False)
    row = serializers.DictField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Raises ValidationError for neither, or both."""
        if len(attrs) != 1:
            raise serializers.ValidationError({"index": "Give either an index or a row."})
        return attrs


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "a row of numbers",
            {
                "format": "hokusai-disclosure",
                "version": 1,
                "contribution": "ctr_" + "0" * 32,
                "root": HASH,
                "index": 17,
                "size": 1000,
                "row": "6e3ff80000000000006900000001" + "30",
                "salt": HASH,
                "path": [HASH, HASH],
                "attestations": [HASH],
            },
            response_only=True,
        )
    ]
)
class DisclosureSerializer(ReadSerializer):
    """A row, its salt and the way to the root that attestations name."""

    format = serializers.CharField()
    version = serializers.IntegerField()
    contribution = serializers.CharField()
    root = serializers.CharField(  # type: ignore[assignment]
        help_text="of the salted rows, as attestations name it"
    )
    index = serializers.IntegerField()
    size = serializers.IntegerField(help_text="how many rows the contribution has")
    row = serializers.CharField(help_text="the encoded cells, in hexadecimal")
    salt = serializers.CharField(help_text="of this row alone")
    path = serializers.ListField(child=serializers.CharField(), help_text="leaf to root")
    attestations = serializers.ListField(child=serializers.CharField())


class DisclosureViewSet(ScopedViewSet):
    queryset = Contribution.objects.with_names()
    view_permission = "contributions.view_contribution"
    permissions: ClassVar = {"create": "contributions.add_contribution"}

    @extend_schema(request=RowToShowSerializer, responses=DisclosureSerializer)
    def create(self, request: Request, public_id: str) -> Response:
        """Show one of your own rows with the proof that it was given; nothing of the others."""
        form = RowToShowSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        shown = disclose_row(
            contribution=self.get_object(), actor=self.actor, **form.validated_data
        )
        return Response(DisclosureSerializer(shown).data)


class BundleQuerySerializer(serializers.Serializer):
    rows = serializers.BooleanField(
        default=False,
        help_text="with the outcomes per row: for auditors, and for all once the benchmark is "
        "retired",
    )


class ProofBundleSerializer(ReadSerializer):
    """One canonical JSON file; `verify_hokusai.py` reads it, docs/attestation describes it."""

    format = serializers.CharField()
    version = serializers.IntegerField()
    checkpoint = serializers.CharField(help_text="signed note with the witnesses' lines")
    eip712 = serializers.DictField(allow_null=True)
    envelope = serializers.DictField(help_text="DSSE, with the statement")
    evidence = serializers.DictField(help_text="what the decision is repeated from, by split")
    keys = serializers.ListField(child=serializers.DictField())
    log = serializers.ListField(
        child=serializers.DictField(), help_text="records with their inclusion proofs"
    )
    manifests = serializers.DictField(child=serializers.CharField())
    outcomes = serializers.DictField(help_text="salted roots by split and role")
    rows = serializers.DictField(allow_null=True, help_text="outcomes per row, if asked for")
    status = serializers.DictField(help_text="entry of the status list, with its proof")


class BundleView(GuardedView):
    permission_classes = (Everybody,)

    @extend_schema(
        parameters=[BundleQuerySerializer],
        responses={200: ProofBundleSerializer, 403: ErrorSerializer},
    )
    def get(self, request: Request, statement_id: str) -> HttpResponse:
        """Answer the proof bundle, byte for byte in the one form that verifies."""
        query = BundleQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        attestation = attestation_by(statement_id)
        with_rows = query.validated_data["rows"]
        if with_rows:
            check_may_see_rows(request, attestation)
        return HttpResponse(
            bundle_of(attestation, with_rows=with_rows),
            content_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="{statement_id}.bundle.json"'},
        )


def check_may_see_rows(request: Request, attestation: Attestation) -> None:
    """Raises Forbidden to all but auditors, as long as the benchmark is in use."""
    comparison = attestation.improvement.comparison
    if comparison.benchmark.status == BenchmarkStatus.RETIRED:
        return
    key = credential_of(request)
    foreign = key is not None and key.project_id != comparison.project.pk
    if foreign or not request.user.has_perm("experiments.view_outcomes", comparison):
        raise Forbidden("Outcomes per row are shown once the benchmark is retired.")


class TrustSerializer(ReadSerializer):
    """A trust file for `verify_hokusai.py`: compare it with what you have from elsewhere."""

    format = serializers.CharField()
    version = serializers.IntegerField()
    instance = serializers.CharField()
    environments = serializers.ListField(child=serializers.CharField())
    log = serializers.ListField(child=serializers.CharField(), help_text="verifier keys (C2SP)")
    witnesses = serializers.DictField(help_text="their keys, and how many must cosign")
    signers = serializers.DictField(help_text="key ids that count (none: all), and how many")
    compromised = serializers.DictField(
        child=serializers.IntegerField(), help_text="key id to the first index that counts no more"
    )


class TrustView(GuardedView):
    permission_classes = (Everybody,)

    @extend_schema(responses=TrustSerializer)
    def get(self, request: Request) -> Response:
        """Say what to tell a verifier that shall believe this instance."""
        return Response(TrustSerializer(trust_of_this_instance()).data)
