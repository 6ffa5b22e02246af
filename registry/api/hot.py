"""Reading versions on the fast way: one prepared statement, the answer of the ordinary views."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import orjson

from hokusai.web.hot import HotAnswer, HotCall, HotRoute, not_found
from hokusai.web.views import MODEL_ID
from registry.api.bodies import chosen_fields, is_visible, page_body, version_answer
from registry.search import Viewer, given_in, read_search, viewer_of_key

WHICH = r"[1-9][0-9]{0,8}|production|latest"


def search_answer(query: str, address: str, viewer: Viewer, model_id: str = "") -> HotAnswer:
    """One page of the versions that a query asks for, of one model where it is named.

    Raises InvalidInput, NotFound for a model that is hidden or absent.
    """
    given = given_in(query)
    asked: Mapping[str, Sequence[str]] = given
    if model_id:
        # Before the check, so that another `model` beside the path is unknown.
        asked = {**given, "model": [*given.get("model", ()), model_id]}
    search = read_search(asked, also=("fields",))
    rows, cursor = page_body(search, viewer, chosen_fields(asked.get("fields", ())))
    if model_id and not rows and not is_visible(model_id, viewer):
        raise not_found()
    following = _with_cursor(address, given, cursor) if cursor else None
    body = orjson.dumps({"next": following, "results": rows}, option=orjson.OPT_UTC_Z)
    return HotAnswer(body)


def _with_cursor(address: str, given: Mapping[str, Sequence[str]], cursor: str) -> str:
    return f"{address}?{urlencode({**given, 'cursor': [cursor]}, doseq=True)}"


class VersionRoute(HotRoute):
    """GET /api/v1/models/{model_id}/versions/{n}, …/production, …/latest"""

    name = "version"
    method = "GET"
    pattern = re.compile(rf"models/({MODEL_ID})/versions/({WHICH})")
    scope = "read"
    names_model = True

    def answer(self, call: HotCall) -> HotAnswer:
        return version_answer(call.path[0], call.path[1], viewer_of_key(call.caller.project_id))


class SearchRoute(HotRoute):
    """GET /api/v1/versions"""

    name = "versions"
    method = "GET"
    pattern = re.compile(r"versions")
    scope = "read"
    takes_query = True

    def answer(self, call: HotCall) -> HotAnswer:
        return search_answer(call.query, call.address, viewer_of_key(call.caller.project_id))


class ModelVersionsRoute(HotRoute):
    """GET /api/v1/models/{model_id}/versions"""

    name = "model_versions"
    method = "GET"
    pattern = re.compile(rf"models/({MODEL_ID})/versions")
    scope = "read"
    takes_query = True
    names_model = True

    def answer(self, call: HotCall) -> HotAnswer:
        viewer = viewer_of_key(call.caller.project_id)
        return search_answer(call.query, call.address, viewer, call.path[0])
