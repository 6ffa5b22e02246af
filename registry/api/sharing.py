"""With whom a model is shared, and taking models and datasets out of the lists."""

from typing import ClassVar

from django.http import Http404
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from hokusai.accounts.models import Project
from hokusai.web.views import MODEL_ID, ScopedViewSet, readable_projects
from registry import services
from registry.api.govern_serializers import (
    CommentSerializer,
    ModelShareSerializer,
    NewShareSerializer,
)
from registry.api.serializers import DatasetSerializer, ModelSerializer
from registry.models import Dataset, Model

SHARING = OpenApiExample(
    "Let one project derive", {"project": "waves", "right": "derive"}, request_only=True
)


class ShareViewSet(ScopedViewSet):
    """The shares of one model; for its own project to see and to change."""

    queryset = Model.objects.select_related("project")
    serializer_class = ModelShareSerializer
    lookup_field = "model_id"
    lookup_value_regex = MODEL_ID
    view_permission = "registry.view_model"
    filter_backends = ()
    pagination_class = None
    permissions: ClassVar = {
        "shares": "registry.share_model",
        "share": "registry.share_model",
        "unshare": "registry.share_model",
    }

    @extend_schema(responses=ModelShareSerializer(many=True))
    def shares(self, request: Request, model_id: str) -> Response:
        """List with whom a model is shared."""
        found = self.get_object().shares.select_related("model", "project", "shared_by")
        return Response(ModelShareSerializer(found, many=True).data)

    @extend_schema(
        request=NewShareSerializer, responses={201: ModelShareSerializer}, examples=[SHARING]
    )
    def share(self, request: Request, model_id: str) -> Response:
        """Share a model with a project or with everybody, to read or to derive from."""
        model = self.get_object()
        form = NewShareSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        fields = form.validated_data
        slug = fields.pop("project")
        share = services.share_model(
            model_id=model.pk,
            project=None if slug is None else self._project(slug),
            **fields,
            actor=self.actor,
        )
        return Response(ModelShareSerializer(share).data, status=201)

    @extend_schema(request=None, responses={204: OpenApiResponse(description="Not shared now.")})
    def unshare(self, request: Request, model_id: str, public_id: str) -> Response:
        """Take a share back; what was derived meanwhile keeps its parent."""
        model = self.get_object()
        services.unshare_model(model_id=model.pk, share_id=public_id, actor=self.actor)
        return Response(status=204)

    def _project(self, slug: str) -> Project:
        """A project that whoever asks may see. Raises Http404."""
        found: Project | None = (
            readable_projects(self.request, "accounts.view_project").filter(slug=slug).first()
        )
        if found is None:
            raise Http404
        return found


class ModelArchiveViewSet(ScopedViewSet):
    """Models out of the lists and back; nothing is ever deleted."""

    queryset = Model.objects.select_related("project", "head")
    serializer_class = ModelSerializer
    lookup_field = "model_id"
    lookup_value_regex = MODEL_ID
    view_permission = "registry.view_model"
    permissions: ClassVar = {
        "archive": "registry.archive_model",
        "restore": "registry.archive_model",
    }

    @extend_schema(request=CommentSerializer, responses=ModelSerializer)
    def archive(self, request: Request, model_id: str) -> Response:
        """Archive a model: it leaves the lists and takes no new version."""
        model = self.get_object()
        form = CommentSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        services.archive_model(model_id=model.pk, **form.validated_data, actor=self.actor)
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=None, responses=ModelSerializer)
    def restore(self, request: Request, model_id: str) -> Response:
        """Bring an archived model back."""
        services.unarchive_model(model_id=self.get_object().pk, actor=self.actor)
        return Response(self.get_serializer(self.get_object()).data)


class DatasetArchiveViewSet(ScopedViewSet):
    """Datasets out of the lists and back."""

    queryset = Dataset.objects.select_related("project")
    serializer_class = DatasetSerializer
    view_permission = "registry.view_dataset"
    permissions: ClassVar = {
        "archive": "registry.archive_dataset",
        "restore": "registry.archive_dataset",
    }

    @extend_schema(request=CommentSerializer, responses=DatasetSerializer)
    def archive(self, request: Request, public_id: str) -> Response:
        """Archive a dataset: it leaves the lists and takes no new table."""
        dataset = self.get_object()
        form = CommentSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        services.archive_dataset(dataset_id=dataset.pk, **form.validated_data, actor=self.actor)
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=None, responses=DatasetSerializer)
    def restore(self, request: Request, public_id: str) -> Response:
        """Bring an archived dataset back."""
        services.unarchive_dataset(dataset_id=self.get_object().pk, actor=self.actor)
        return Response(self.get_serializer(self.get_object()).data)
