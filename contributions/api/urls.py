from django.urls import path, re_path
from rest_framework.routers import SimpleRouter

from contributions.api.attestations import (
    AttestationView,
    AttestationViewSet,
    EnvelopeView,
    ProofView,
    RevocationView,
    SigningPolicyView,
    VerificationView,
)
from contributions.api.attributions import AttributionReportViewSet, AttributionViewSet
from contributions.api.building import CandidateViewSet
from contributions.api.impact import ContributorView, ImpactView, LeaderboardView
from contributions.api.proofs import BundleView, DisclosureViewSet, TrustView
from contributions.api.serializers import ADDRESS
from contributions.api.views import ContributionViewSet, ImprovementViewSet
from hokusai.web.views import MODEL_ID, PUBLIC_ID, SLUG

router = SimpleRouter(trailing_slash=False)
router.register("contributions", ContributionViewSet, basename="contribution")
router.register("improvements", ImprovementViewSet, basename="improvement")

DISCLOSURE = rf"^contributions/(?P<public_id>{PUBLIC_ID})/disclosure\Z"
IMPROVEMENT = rf"^improvements/(?P<public_id>{PUBLIC_ID})"
STATEMENT = r"^attestations/(?P<statement_id>[0-9a-f]{64})"
CONTRIBUTOR = rf"^contributors/(?P<address>{ADDRESS})"

urlpatterns = [
    *router.urls,
    re_path(
        rf"^models/(?P<model_id>{MODEL_ID})/candidates\Z",
        CandidateViewSet.as_view({"post": "create"}),
        name="model-candidates",
    ),
    re_path(
        DISCLOSURE, DisclosureViewSet.as_view({"post": "create"}), name="contribution-disclosure"
    ),
    re_path(rf"{CONTRIBUTOR}\Z", ContributorView.as_view(), name="contributor"),
    re_path(rf"{CONTRIBUTOR}/impact\Z", ImpactView.as_view(), name="contributor-impact"),
    re_path(
        rf"{IMPROVEMENT}/attribution\Z",
        AttributionViewSet.as_view({"get": "retrieve", "post": "create"}),
        name="improvement-attribution",
    ),
    re_path(
        rf"{IMPROVEMENT}/attribution/report\Z",
        AttributionReportViewSet.as_view({"get": "retrieve"}),
        name="improvement-attribution-report",
    ),
    path("leaderboard", LeaderboardView.as_view(), name="leaderboard"),
    path("attestations", AttestationViewSet.as_view({"get": "list"}), name="attestations"),
    re_path(rf"{STATEMENT}\Z", AttestationView.as_view(), name="attestation"),
    re_path(rf"{STATEMENT}/bundle\Z", BundleView.as_view(), name="attestation-bundle"),
    path("trust", TrustView.as_view(), name="trust"),
    re_path(rf"{STATEMENT}/envelope\Z", EnvelopeView.as_view(), name="attestation-envelope"),
    re_path(rf"{STATEMENT}/proof\Z", ProofView.as_view(), name="attestation-proof"),
    re_path(rf"{STATEMENT}/verify\Z", VerificationView.as_view(), name="attestation-verify"),
    re_path(rf"{STATEMENT}/revocation\Z", RevocationView.as_view(), name="attestation-revocation"),
    re_path(
        rf"^projects/(?P<slug>{SLUG})/signing-policy\Z",
        SigningPolicyView.as_view(),
        name="signing-policy",
    ),
]
