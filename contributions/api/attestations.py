from typing import Any, ClassVar

from django.http import Http404, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from contributions.api.attestation_serializers import (
    AttestationLineSerializer,
    AttestationSerializer,
    EnvelopeSerializer,
    ExaminationSerializer,
    NewRevocationSerializer,
    ProofSerializer,
    RevocationSerializer,
    SigningPolicyInForceSerializer,
    SigningPolicySerializer,
)
from contributions.api.filters import AttestationFilter
from contributions.choices import AttestationStatus
from contributions.examination import examine, proof_of
from contributions.models import Attestation, Revocation, SigningPolicy
from contributions.revocations import request_revocation
from contributions.signing_policies import set_signing_policy
from hokusai.accounts.choices import Scope
from hokusai.signers.algorithms.dsse import encode_envelope
from hokusai.web.permissions import Everybody, KnownPerson
from hokusai.web.views import GuardedView, ReadViewSet

VERIFICATIONS = "30/m"


class AttestationViewSet(ReadViewSet):
    queryset = Attestation.objects.select_related("improvement__model__project", "log_record__leaf")
    serializer_class = AttestationLineSerializer
    filterset_class = AttestationFilter
    view_permission = "contributions.view_improvement"
    project_path = "improvement__model__project"
    ordering_fields = ("created_at", "signed_at")


class AttestationView(GuardedView):
    permission_classes = (Everybody,)

    @extend_schema(responses=AttestationSerializer)
    def get(self, request: Request, statement_id: str) -> Response:
        """Show an attestation; public to whoever has its id."""
        attestation = attestation_by(statement_id)
        return Response(AttestationSerializer(attestation, context={"request": request}).data)


class EnvelopeView(GuardedView):
    permission_classes = (Everybody,)

    @extend_schema(responses=EnvelopeSerializer)
    def get(self, request: Request, statement_id: str) -> HttpResponse:
        """Answer the signed envelope, byte for byte in the one form that verifies."""
        content = encode_envelope(attestation_by(statement_id).envelope)
        return HttpResponse(content, content_type="application/json")


class ProofView(GuardedView):
    permission_classes = (Everybody,)

    @extend_schema(responses=ProofSerializer)
    def get(self, request: Request, statement_id: str) -> Response:
        """Prove that the attestation is in the log, up to the last signed checkpoint.

        A conflict says that it is not yet: the sequencer and the next checkpoint come first.
        """
        proof = proof_of(attestation_by(statement_id))
        return Response(ProofSerializer(proof, context={"request": request}).data)


class VerificationView(GuardedView):
    permission_classes = (KnownPerson,)
    scopes: ClassVar = {"post": Scope.READ}
    rate_group = "verify"
    rate = VERIFICATIONS

    @extend_schema(request=None, responses=ExaminationSerializer)
    def post(self, request: Request, statement_id: str) -> Response:
        """Make every check now: signatures, rows, outcomes, log and status. Changes nothing."""
        found = examine(attestation_by(statement_id))
        return Response(ExaminationSerializer(found, context={"request": request}).data)


class RevocationView(GuardedView):
    permissions: ClassVar = {"post": "contributions.revoke_attestation"}
    person_only = ("post",)

    def get_permissions(self) -> list[Any]:
        """Whoever has the id may read why."""
        reading = self.request.method in SAFE_METHODS
        return [Everybody()] if reading else list(super().get_permissions())

    @extend_schema(responses=RevocationSerializer)
    def get(self, request: Request, statement_id: str) -> Response:
        """Show why and when an attestation was revoked; not found where it was not."""
        revocation = (
            Revocation.objects.select_related("attestation", "log_record__leaf")
            .filter(attestation=attestation_by(statement_id))
            .first()
        )
        if revocation is None:
            raise Http404
        return Response(RevocationSerializer(revocation, context={"request": request}).data)

    @extend_schema(request=NewRevocationSerializer, responses={202: RevocationSerializer})
    def post(self, request: Request, statement_id: str) -> Response:
        """Ask the signer to revoke an attestation, for good; it counts for nothing from now on."""
        attestation = attestation_by(statement_id)
        self.check_object_permissions(request, attestation)
        form = NewRevocationSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        made = request_revocation(
            attestation_id=attestation.pk, **form.validated_data, actor=self.actor
        )
        return Response(RevocationSerializer(made).data, status=202)


class SigningPolicyView(GuardedView):
    permissions: ClassVar = {
        "get": "contributions.view_improvement",
        "put": "contributions.manage_signing",
    }
    person_only = ("put",)

    @extend_schema(responses=SigningPolicyInForceSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """Show how many signers the project's attestations need."""
        project = self.checked_project(slug)
        policy = SigningPolicy.objects.filter(project=project).first()
        stated = {"required": 1, "key_ids": []} if policy is None else policy
        return Response(SigningPolicyInForceSerializer(stated).data)

    @extend_schema(request=SigningPolicySerializer, responses=SigningPolicyInForceSerializer)
    def put(self, request: Request, slug: str) -> Response:
        """State it anew; attestations that wait for signers follow it too."""
        project = self.checked_project(slug)
        form = SigningPolicySerializer(data=request.data)
        form.is_valid(raise_exception=True)
        policy = set_signing_policy(project=project, **form.validated_data, actor=self.actor)
        return Response(SigningPolicyInForceSerializer(policy).data)


def attestation_by(statement_id: str) -> Attestation:
    """A complete attestation, revoked or not. Raises Http404."""
    found = (
        Attestation.objects.exclude(status=AttestationStatus.PENDING)
        .select_related("improvement__model__project", "log_record__leaf", "revocation")
        .filter(statement_id=statement_id)
        .first()
    )
    if found is None:
        raise Http404
    return found
