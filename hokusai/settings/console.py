"""How the console looks, and what other apps put on its pages."""

from django.templatetags.static import static

UNFOLD = {
    "SITE_TITLE": "Hokusai",
    "SITE_HEADER": "Hokusai",
    "SITE_SUBHEADER": "Models that get better in the open",
    "SITE_URL": "/contribute/",
    "SITE_ICON": lambda request: static("console/logo.svg"),
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("console/favicon.svg"),
        }
    ],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "ENVIRONMENT": "hokusai.console.navigation.environment",
    "DASHBOARD_CALLBACK": "hokusai.console.dashboard.dashboard",
    "STYLES": [lambda request: static("console/console.css")],
    "BORDER_RADIUS": "8px",
    "COLORS": {
        "primary": {
            "50": "#eef2ff",
            "100": "#e0e7ff",
            "200": "#c7d2fe",
            "300": "#a5b4fc",
            "400": "#8298fb",
            "500": "#5b74f0",
            "600": "#3b56d9",
            "700": "#2f45b8",
            "800": "#293c94",
            "900": "#273775",
            "950": "#182047",
        },
        "base": {
            "50": "#f8fafc",
            "100": "#f1f5f9",
            "200": "#e2e8f0",
            "300": "#cbd5e1",
            "400": "#94a3b8",
            "500": "#64748b",
            "600": "#475569",
            "700": "#334155",
            "800": "#1e293b",
            "900": "#111827",
            "950": "#0b1120",
        },
    },
    "COMMAND": {"search_callback": "hokusai.console.navigation.search"},
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "navigation": "hokusai.console.navigation.navigation",
    },
}
# Pages that belong to no list: functions that take the site and give its addresses.
CONSOLE_PAGES = ["registry.admin.lineage.pages"]
# What the dashboard draws, in order.
CONSOLE_PANELS = [
    "hokusai.console.panels.figures",
    "hokusai.console.panels.versions_per_week",
    "hokusai.console.panels.decisions_per_week",
    "hokusai.console.panels.leaderboard",
    "hokusai.console.panels.deployments",
    "hokusai.console.panels.awaiting_review",
    "hokusai.console.panels.sync_backlog",
    "hokusai.console.panels.failed_jobs",
]
# Actions and panels that higher apps put on the page of a version.
VERSION_ACTIONS = [
    "experiments.version_page.evaluate",
    "deployments.version_page.deploy",
    "deployments.batch_pages.predict_batch",
    "registry.version_page.review_scan",
    "registry.version_page.retire",
]
# Actions that higher apps put on the page of a model.
MODEL_ACTIONS = [
    "contributions.model_page.build_candidate",
    "experiments.model_page.measure_line",
]
# Panels that higher apps put on the page of a model, before what its versions state themselves.
MODEL_PANELS = [
    "experiments.model_page.measured",
    "experiments.model_page.since_first",
    "deployments.model_page.serves",
    "contributions.model_page.next_candidate",
    "registry.admin.lineage.gain_of_model",
    "registry.model_page.stage_history",
    "registry.model_page.at_time",
    "registry.model_page.shares",
]
VERSION_PANELS = [
    "registry.admin.conflicts.conflicts_of",
    "experiments.version_page.comparisons_of",
    "deployments.version_page.revisions_of",
    "deployments.batch_pages.batches_of",
]
