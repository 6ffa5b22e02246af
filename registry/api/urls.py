from django.urls import path, re_path
from rest_framework.routers import SimpleRouter

from hokusai.web.views import MODEL_ID, PUBLIC_ID, SLUG
from registry.api.artifacts import VersionMetadataViewSet
from registry.api.datasets import DatasetVersionViewSet, DatasetViewSet
from registry.api.history import ModelHistoryViewSet, VersionEndViewSet
from registry.api.lineage import LINEAGE_ID, LineageViewSet
from registry.api.promotions import PoliciesView, PolicyView, PromotionViewSet
from registry.api.search import (
    LatestVersionView,
    ModelVersionsView,
    ProductionVersionView,
    VersionFacetsView,
    VersionSearchView,
    VersionView,
)
from registry.api.sharing import DatasetArchiveViewSet, ModelArchiveViewSet, ShareViewSet
from registry.api.signatures import ModelKeysView, SignatureViewSet
from registry.api.tracking import (
    SyncConflictViewSet,
    SyncStatusView,
    TrackedExperimentViewSet,
    TrackedVersionViewSet,
)
from registry.api.uploads import UploadViewSet
from registry.api.views import ModelVersionViewSet, ModelViewSet
from registry.services.policies import STAGES

router = SimpleRouter(trailing_slash=False)
router.register("models", ModelViewSet, basename="model")
router.register("promotions", PromotionViewSet, basename="promotion")
router.register("datasets", DatasetViewSet, basename="dataset")
router.register("tracked-versions", TrackedVersionViewSet, basename="tracked-version")
router.register("tracked-experiments", TrackedExperimentViewSet, basename="tracked-experiment")
router.register("sync/conflicts", SyncConflictViewSet, basename="sync-conflict")
router.register("uploads", UploadViewSet, basename="upload")

VERSIONS = rf"^models/(?P<model_id>{MODEL_ID})/versions"
VERSION = rf"{VERSIONS}/(?P<number>[1-9][0-9]{{0,8}})"
PROMOTION = rf"{VERSION}/promotions/(?P<public_id>{PUBLIC_ID})"
TABLES = rf"^datasets/(?P<dataset_id>{PUBLIC_ID})/versions"
TABLE = rf"{TABLES}/(?P<number>[1-9][0-9]{{0,8}})"
LINEAGE = rf"^lineage/(?P<public_id>{LINEAGE_ID})"

MODEL = rf"^models/(?P<model_id>{MODEL_ID})"
DATASET = rf"^datasets/(?P<public_id>{PUBLIC_ID})"
POLICIES = rf"^projects/(?P<slug>{SLUG})/promotion-policies"

GOVERNING = [
    *(
        re_path(
            rf"{MODEL}/{name}$", ModelHistoryViewSet.as_view({method: name}), name=f"model-{name}"
        )
        for name, method in (("at", "get"), ("history", "get"), ("rollback", "post"))
    ),
    re_path(
        rf"{MODEL}/shares$",
        ShareViewSet.as_view({"get": "shares", "post": "share"}),
        name="model-shares",
    ),
    re_path(
        rf"{MODEL}/shares/(?P<public_id>{PUBLIC_ID})$",
        ShareViewSet.as_view({"delete": "unshare"}),
        name="model-share",
    ),
    *(
        re_path(rf"{where}/{name}$", view.as_view({"post": name}), name=f"{kind}-{name}")
        for kind, where, view in (
            ("model", MODEL, ModelArchiveViewSet),
            ("dataset", DATASET, DatasetArchiveViewSet),
        )
        for name in ("archive", "restore")
    ),
    re_path(
        rf"{VERSION}/retire$", VersionEndViewSet.as_view({"post": "retire"}), name="version-retire"
    ),
    re_path(
        rf"{VERSION}/scan/review$",
        VersionEndViewSet.as_view({"post": "review"}),
        name="version-scan-review",
    ),
    re_path(rf"{POLICIES}$", PoliciesView.as_view(), name="policies"),
    re_path(rf"{POLICIES}/(?P<stage>{'|'.join(STAGES)})$", PolicyView.as_view(), name="policy"),
]

urlpatterns = [
    *router.urls,
    path("sync/status", SyncStatusView.as_view(), name="sync-status"),
    *GOVERNING,
    re_path(rf"{LINEAGE}$", LineageViewSet.as_view({"get": "nodes"}), name="lineage"),
    re_path(rf"{LINEAGE}/edges$", LineageViewSet.as_view({"get": "edges"}), name="lineage-edges"),
    re_path(
        rf"{LINEAGE}/downstream$",
        LineageViewSet.as_view({"get": "downstream"}),
        name="lineage-downstream",
    ),
    re_path(
        rf"^models/(?P<model_id>{MODEL_ID})/gain$",
        LineageViewSet.as_view({"get": "gain"}),
        name="model-gain",
    ),
    re_path(
        rf"{TABLE}/used-by$",
        LineageViewSet.as_view({"get": "used_by"}),
        name="dataset-version-used-by",
    ),
    re_path(r"^versions$", VersionSearchView.as_view(), name="versions"),
    re_path(r"^versions/facets$", VersionFacetsView.as_view(), name="version-facets"),
    re_path(rf"{VERSIONS}$", ModelVersionsView.as_view(), name="version-list"),
    re_path(rf"{VERSIONS}/production$", ProductionVersionView.as_view(), name="version-production"),
    re_path(rf"{VERSIONS}/latest$", LatestVersionView.as_view(), name="version-latest"),
    re_path(rf"{VERSION}$", VersionView.as_view(), name="version"),
    re_path(
        rf"{VERSION}/lineage$",
        ModelVersionViewSet.as_view({"get": "lineage"}),
        name="version-lineage",
    ),
    re_path(
        rf"{VERSION}/metadata$",
        VersionMetadataViewSet.as_view({"get": "metadata", "patch": "describe"}),
        name="version-metadata",
    ),
    re_path(
        rf"{VERSION}/card$",
        VersionMetadataViewSet.as_view({"get": "card", "put": "put_card"}),
        name="version-card",
    ),
    re_path(
        rf"{VERSION}/artifact$",
        VersionMetadataViewSet.as_view({"get": "artifact"}),
        name="version-artifact",
    ),
    re_path(
        rf"{VERSION}/artifact/files/(?P<path>.{{1,500}})$",
        VersionMetadataViewSet.as_view({"get": "file"}),
        name="version-file",
    ),
    re_path(
        rf"{VERSION}/signatures$",
        SignatureViewSet.as_view({"get": "signatures", "post": "countersign"}),
        name="version-signatures",
    ),
    re_path(r"^model-keys$", ModelKeysView.as_view(), name="model-keys"),
    re_path(
        rf"{VERSION}/tags/(?P<key>[^/]{{1,100}})$",
        VersionMetadataViewSet.as_view({"delete": "untag"}),
        name="version-tag",
    ),
    re_path(rf"{VERSION}/tags$", ModelVersionViewSet.as_view({"put": "tags"}), name="version-tags"),
    re_path(
        rf"{VERSION}/retry$", ModelVersionViewSet.as_view({"post": "retry"}), name="version-retry"
    ),
    re_path(
        rf"{VERSION}/promotions$",
        PromotionViewSet.as_view({"get": "list", "post": "ask"}),
        name="version-promotions",
    ),
    *(
        re_path(
            rf"{PROMOTION}/{decision}$",
            PromotionViewSet.as_view({"post": decision}),
            name=f"promotion-{decision}",
        )
        for decision in ("approve", "refuse", "cancel")
    ),
    re_path(
        rf"{TABLES}$",
        DatasetVersionViewSet.as_view({"get": "list", "post": "create"}),
        name="dataset-versions",
    ),
    re_path(
        rf"{TABLE}$", DatasetVersionViewSet.as_view({"get": "retrieve"}), name="dataset-version"
    ),
    re_path(
        rf"{TABLE}/schema$",
        DatasetVersionViewSet.as_view({"get": "table_schema"}),
        name="dataset-version-schema",
    ),
    *(
        re_path(
            rf"{TABLE}/{action}$",
            DatasetVersionViewSet.as_view({"get": action}),
            name=f"dataset-version-{action}",
        )
        for action in ("statistics", "preview", "download")
    ),
]
