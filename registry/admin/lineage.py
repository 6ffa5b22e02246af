"""Pages of the lineage: a graph of its own, and what people ask of it."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from hokusai.web import markup
from hokusai.web.exports import csv_answer, json_answer
from hokusai.web.graphs import lineage_panel, node_link
from hokusai.web.panels import Page, Panel
from registry.admin.gain import gain_panels
from registry.lineage import (
    Graph,
    Node,
    Reached,
    VersionUse,
    asked_version,
    downstream_of,
    exports,
    gain_of,
    lineage_of,
    place_of,
    used_by,
    viewer_of,
)
from registry.models import Model, ModelVersion

GRAPH_LIMIT = 2000
ROWS_SHOWN = 500


def pages(site: admin.AdminSite) -> list[URLPattern]:
    """Addresses of the lineage's pages, for the console."""
    routes: tuple[tuple[str, Callable[..., HttpResponse], str], ...] = (
        ("lineage/<str:public_id>/", graph_page, "lineage"),
        ("lineage/<str:public_id>/downstream/", downstream_page, "lineage-downstream"),
        ("lineage/<str:public_id>/used-by/", used_by_page, "lineage-used-by"),
        ("lineage/<str:public_id>/gain/", gain_page, "lineage-gain"),
    )
    return [path(route, site.admin_view(view), name=name) for route, view, name in routes]


def graph_page(request: HttpRequest, public_id: str) -> HttpResponse:
    """The graph around one thing, to search and to walk in."""
    node = _place(request, public_id)
    graph = lineage_of(public_id=public_id, user=request.user, limit=GRAPH_LIMIT)
    if request.GET.get("export") == "prov-json":
        return json_answer(exports.prov_document(graph), f"lineage-{public_id}")
    page = Page(
        title=f"Lineage of {node.label}",
        badges=(markup.badge(node.kind, "quiet"),),
        lead="Everything that led to it, and everything that came of it.",
        panels=(lineage_panel(graph, public_id, full=True),),
    )
    return _shown(request, page)


def downstream_page(request: HttpRequest, public_id: str) -> HttpResponse:
    """Everything that came of one thing, the nearest first."""
    node = _place(request, public_id)
    answer = downstream_of(public_id=public_id, user=request.user)
    if "export" in request.GET:
        return _exported(request, exports.downstream_table(answer), answer.graph, "downstream")
    counts = ", ".join(f"{count} {kind}" for kind, count in answer.counts.items())
    panel = _answer(
        "Downstream",
        ("Thing", "Kind", "Project", "Steps away"),
        [_reached(one) for one in answer.reached[:ROWS_SHOWN]],
        empty="Nothing came of it yet.",
        hint=f"{counts or 'Nothing yet'}.{_cut(len(answer.reached), answer.graph)}",
        links=_links(public_id),
    )
    page = Page(
        title=f"Downstream of {node.label}",
        badges=(markup.badge(node.kind, "quiet"),),
        lead="Everything that came of it, directly or through something else.",
        panels=(panel,),
    )
    return _shown(request, page)


def used_by_page(request: HttpRequest, public_id: str) -> HttpResponse:
    """Which versions used a table: trained on it, or descended from one that was."""
    node = _place(request, public_id)
    answer = used_by(public_id=public_id, user=request.user)
    if "export" in request.GET:
        return _exported(request, exports.uses_table(answer), answer.graph, "used-by")
    direct = sum(use.direct for use in answer.uses)
    panel = _answer(
        "Versions",
        ("Version", "Project", "Use", "Through", "Generations"),
        [_use(use) for use in answer.uses[:ROWS_SHOWN]],
        empty="No version was trained on it yet. Name it as training data when you register one.",
        hint=f"{direct} trained on it, {len(answer.uses) - direct} descended from those."
        + _cut(len(answer.uses), answer.graph),
        links=_links(public_id),
    )
    page = Page(
        title=f"Versions that used {node.label}",
        badges=(markup.badge(node.kind, "quiet"),),
        lead="A version uses a table when it was trained on it, or made from a version that was.",
        panels=(panel,),
    )
    return _shown(request, page)


def gain_page(request: HttpRequest, public_id: str) -> HttpResponse:
    """Where the gain came from, to a version, or to the head of a model."""
    version = _version(request, public_id)
    answer = gain_of(version, viewer_of(request.user))
    if "export" in request.GET:
        return _exported(request, exports.gain_table(answer), answer.graph, "gain")
    page = Page(
        title=f"Where the gain of {version} came from",
        lead="Each accepted improvement on the way from the first baseline, oldest first.",
        panels=(*gain_panels(answer, _links(version.public_id)),),
    )
    return _shown(request, page)


def gain_of_model(request: HttpRequest, model: Model) -> Panel | None:
    """The waterfall for a model's page; None for a model without versions."""
    version = asked_version(model)
    if version is None:
        return None
    answer = gain_of(version, viewer_of(request.user))
    whole = ("Each step and who is credited", reverse("admin:lineage-gain", args=[model.public_id]))
    return gain_panels(answer, [whole])[0]


def _place(request: HttpRequest, public_id: str) -> Node:
    found = place_of(public_id, viewer_of(request.user))
    if found is None:
        raise Http404
    return found


def _version(request: HttpRequest, public_id: str) -> ModelVersion:
    """A version by its own id, or the head of the model that is named."""
    version: ModelVersion | None = None
    if public_id.startswith("mdl_"):
        models = Model.objects.visible_to(request.user)
        model = models.filter(public_id=public_id).first()
        version = asked_version(model) if model else None
    else:
        versions = ModelVersion.objects.visible_to(request.user).select_related("model__project")
        version = versions.filter(public_id=public_id).first()
    if version is None:
        raise Http404
    return version


def _links(public_id: str) -> list[tuple[str, str]]:
    return [
        ("As CSV", "?export=csv"),
        ("As PROV-JSON", "?export=prov-json"),
        ("The graph", reverse("admin:lineage", args=[public_id])),
    ]


def _cut(count: int, graph: Graph) -> str:
    if graph.truncated:
        return " There is more than the graph holds."
    return f" The first {ROWS_SHOWN} are shown; the files hold all." if count > ROWS_SHOWN else ""


def _reached(one: Reached) -> tuple[Any, ...]:
    node = one.node
    return node_link(node), markup.badge(node.kind, "quiet"), node.project_slug or "—", one.distance


def _use(use: VersionUse) -> tuple[Any, ...]:
    return (
        node_link(use.version),
        use.version.project_slug or "—",
        markup.badge("direct", "success") if use.direct else markup.badge("inherited", "quiet"),
        node_link(use.through),
        use.generations,
    )


def _answer(
    title: str,
    headers: tuple[str, ...],
    rows: list[tuple[Any, ...]],
    *,
    empty: str,
    hint: str,
    links: list[tuple[str, str]],
) -> Panel:
    context = {"headers": headers, "rows": rows, "empty": empty, "links": links}
    return Panel(title, "console/panels/answer.html", context, hint=hint)


def _exported(request: HttpRequest, table: exports.Table, graph: Graph, name: str) -> HttpResponse:
    if request.GET["export"] == "csv":
        return csv_answer(table.headers, table.rows, name)
    if request.GET["export"] == "prov-json":
        return json_answer(exports.prov_document(graph), name)
    raise Http404


def _shown(request: HttpRequest, page: Page) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "opts": ModelVersion._meta,  # noqa: SLF001
        "title": page.title,
        "page": page,
    }
    request.current_app = admin.site.name  # type: ignore[attr-defined]
    return TemplateResponse(request, "console/object.html", context)
