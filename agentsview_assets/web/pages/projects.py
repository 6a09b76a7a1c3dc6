"""Pages of projects: all of them, and one each."""

from __future__ import annotations

from typing import Any

from agentsview_assets.web.pages.address import name_of, path_part
from agentsview_assets.web.pages.breakdown import breakdown_table, costs_chart
from agentsview_assets.web.pages.daily import day_charts, dimension_of
from agentsview_assets.web.pages.emptiness import emptiness
from agentsview_assets.web.pages.figures import usage_beside, usage_of, with_machines
from agentsview_assets.web.pages.formats import name
from agentsview_assets.web.pages.overview import head_figures
from agentsview_assets.web.pages.page import Ask, Content, NotThereError, Page
from agentsview_assets.web.pages.table import Column, Table
from agentsview_assets.web.pages.tops import top_sessions_table

_RESOLUTIONS = {
    "resolved": "one place",
    "unknown": "not known where it is",
    "ambiguous": "several places",
}


def projects(ask: Ask) -> Content:
    """Fills the page of all projects."""
    document = usage_of(ask)
    table = breakdown_table(ask, document, "project")
    return Content(
        title="Projects",
        lead=ask.scope.words,
        charts=[costs_chart(document, "project", table)],
        tables=[_identities(ask, document)],
        values={"empty": emptiness(ask, document)},
    )


def _identities(ask: Ask, document: dict[str, Any]) -> Table:
    rows = [
        [label, _RESOLUTIONS[found["resolution"]], *_place(found["identity"])]
        for label, found in document["projects"].items()
    ]
    return Table(
        name="identities",
        caption="Where they are",
        columns=[
            Column("project", "Project", "name", link=_page(ask)),
            Column("resolution", "Known as"),
            Column("place", "Repository or folder", "name"),
            Column("key", "Key", "digest", about="Equal on every machine"),
        ],
        rows=rows,
        asset="project_identities",
    )


def _page(ask: Ask) -> Any:
    return lambda row: ask.address.there(f"/projects/{path_part(row[0])}")


def _place(identity: dict[str, Any] | None) -> list[str | None]:
    if identity is None:
        return [None, None]
    place = identity.get("normalized_remote") or identity.get("root_path")
    return [place, identity["key"]]


def project(ask: Ask) -> Content:
    """Fills the page of one project.

    Raises:
        NotThereError: No usage was ever of it.
    """
    label = name_of(ask.path["key"])
    if not ask.reader.rows("SELECT 1 FROM daily_usage WHERE project = ? LIMIT 1", [label]):
        raise NotThereError(f"No usage is of a project {name(label)}.")
    document, before = usage_beside(ask, project=label)
    by = dimension_of(ask, "model")
    if by == "machine":
        document = with_machines(ask, document, project=label)
    found = document["projects"].get(label, {"resolution": "unknown", "identity": None})
    place, _ = _place(found["identity"])
    return Content(
        title=name(label),
        lead=f"{place or _RESOLUTIONS[found['resolution']]} · {ask.scope.words}",
        crumbs=[("Projects", ask.address.there("/projects"))],
        figures=head_figures(ask, document, before, project=label),
        charts=day_charts(ask, document, before, by, project=label),
        tables=[
            breakdown_table(ask, document, "model", project=label),
            breakdown_table(ask, document, "agent", project=label),
            top_sessions_table(ask, project=label),
        ],
        values={"empty": emptiness(ask, document), "by": by, "without": "project"},
        template="overview.html",
    )


PAGES = (Page("/projects", projects, nav="Projects"), Page("/projects/{key}", project))
