"""Predicting on the fast way: no SQL while a target is kept, one call to the runner."""

import re

from deployments import endpoints, predictions
from deployments.endpoints import Target, TargetCache
from deployments.predictions import Answer
from hokusai.web.hot import HotAnswer, HotCall, HotRoute, not_found
from hokusai.web.retired import retirement_headers
from hokusai.web.views import MODEL_ID
from registry.models import Model


class PredictRoute(HotRoute):
    """POST /api/v1/models/{model_id}/predict"""

    name = "predict"
    method = "POST"
    pattern = re.compile(rf"models/({MODEL_ID})/predict")
    scope = "predict"

    def __init__(self) -> None:
        self.targets = TargetCache()

    def watched(self, path: tuple[str, ...]) -> str:
        return endpoints.epoch_key(path[0])

    def answer(self, call: HotCall) -> HotAnswer:
        model_id = call.path[0]
        target = self.targets.get(model_id, call.epoch, endpoints.target_of_model)
        self._require_own(target, model_id, call.caller.project_id)
        return with_retirement(
            predictions.answer(
                target,
                call.body,
                reload=lambda: endpoints.target_of_model(model_id),
                request_id=call.request_id,
                began=call.began,
            )
        )

    def _require_own(self, target: Target | None, model_id: str, project_id: int) -> None:
        """Raises NotFound for a model of another project, as for one that is not there."""
        if target is not None:
            own = target.project_id == project_id
        else:
            own = Model.objects.filter(model_id=model_id, project_id=project_id).exists()
        if not own:
            raise not_found()


def with_retirement(answer: Answer) -> HotAnswer:
    """A prediction; one of a retired version says when it goes and what replaces it."""
    target = answer.target
    path = f"/api/v1/models/{target.model_id}/versions/{target.successor}"
    return HotAnswer(
        answer.body,
        retirement_headers(
            target.deprecated_at, target.sunset_at, path if target.successor else ""
        ),
    )
