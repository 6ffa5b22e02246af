"""Predicting on the fast way: no SQL while a target is kept, one call to the runner."""

import re
from collections.abc import Callable
from typing import Final

from deployments import endpoints
from deployments.api.prediction_answers import ROUTE, given_by, respond
from deployments.endpoints import Target, TargetCache
from deployments.models import Deployment
from hokusai.web.callers import Counted
from hokusai.web.hot import HotAnswer, HotCall, HotRoute, not_found
from hokusai.web.permissions import not_for_model
from hokusai.web.views import MODEL_ID, PUBLIC_ID
from registry.models import Model

KNOWN_MAX: Final = 1024


class PredictRoute(HotRoute):
    """POST /api/v1/models/{model_id}/predict"""

    name = "predict"
    method = "POST"
    pattern = re.compile(rf"models/({MODEL_ID})/predict")
    scope = "predict"
    names_model = True
    find: Callable[[str], Target | None] = staticmethod(endpoints.target_of_model)

    def __init__(self) -> None:
        self.targets = TargetCache()
        # The target last found under a name, and its limit. The first request to a process finds
        # nothing here, and is not counted.
        self._known: dict[str, tuple[Target, Counted | None]] = {}

    def watched(self, path: tuple[str, ...]) -> str:
        return endpoints.epoch_key(path[0])

    def counted(self, path: tuple[str, ...]) -> Counted | None:
        known = self._known.get(path[0])
        return known[1] if known else None

    def answer(self, call: HotCall) -> HotAnswer:
        name, find = call.path[0], self.find
        target = self.targets.get(name, call.epoch, find)
        self._require_own(target, name, call)
        if target is not None:
            self._note(name, target)
        given = given_by(
            call.meta,
            body=call.body,
            request_id=call.request_id,
            principal=f"key:{call.caller.key_id}",
            route=ROUTE.format(name),
            began=call.began,
        )
        return respond(target, given, lambda: find(name))

    def _require_own(self, target: Target | None, name: str, call: HotCall) -> None:
        """Raises NotFound for what is of another project, as for what is not there; Forbidden."""
        if target is None:
            if not self._exists(name, call.caller.project_id):
                raise not_found()
        elif target.project_id != call.caller.project_id:
            raise not_found()
        elif not call.caller.may_use(target.model_id):
            raise not_for_model()

    def _exists(self, name: str, project_id: int) -> bool:
        return Model.objects.filter(model_id=name, project_id=project_id).exists()

    def _note(self, name: str, target: Target) -> None:
        known = self._known.get(name)
        if known and known[0] is target:
            return
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        self._known[name] = (target, counted_of(target))


class DeploymentPredictRoute(PredictRoute):
    """POST /api/v1/deployments/{id}/predict"""

    name = "predict_deployment"
    pattern = re.compile(rf"deployments/({PUBLIC_ID})/predict")
    # Its path names no model; whether the caller may use it is known once the target is.
    names_model = False
    find = staticmethod(endpoints.target_of_deployment)

    def watched(self, path: tuple[str, ...]) -> str:
        known = self._known.get(path[0])
        return endpoints.epoch_key(known[0].model_id) if known else ""

    def _exists(self, name: str, project_id: int) -> bool:
        return Deployment.objects.filter(public_id=name, model__project_id=project_id).exists()


def counted_of(target: Target) -> Counted | None:
    """The limit that everybody who asks this deployment shares."""
    per_minute = target.policy.rate_per_minute
    if per_minute is None:
        return None
    return Counted(target.deployment_id, per_minute, target.project_id, target.model_id)
