"""What a page is: a path, a function that fills it, and what that is given and gives back.

What belongs here: these shapes. What does not: HTML, and any page.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from agentsview_assets.documents.common.lookups import load_prices, resolve_archives
from agentsview_assets.errors import AssetsError
from agentsview_assets.resources.warehouses.reader import Reader
from agentsview_assets.resources.warehouses.states.state import State
from agentsview_assets.rules.pricing import PricingTable
from agentsview_assets.web.answers import Answers, Key
from agentsview_assets.web.pages.address import Address
from agentsview_assets.web.pages.charts import Chart
from agentsview_assets.web.pages.scope import Scope
from agentsview_assets.web.pages.table import Table
from agentsview_assets.web.serving import Serving


class NotThereError(AssetsError):
    """What the path of a page names is not in the warehouse."""


@dataclass(frozen=True)
class Ask:
    """A request for a page.

    Attributes:
        reader: The warehouse.
        state: Of which state.
        scope: Window, zone and filters.
        address: What was asked for; makes links.
        path: Names in the path, decoded.
        serving: The server's settings.
        answers: What was worked out before.
    """

    reader: Reader
    state: State
    scope: Scope
    address: Address
    path: Mapping[str, str]
    serving: Serving
    answers: Answers

    @property
    def now(self) -> datetime:
        """The present."""
        return self.scope.now

    @cached_property
    def archive(self) -> str:
        """The archive that the page is about, or the word for all of them."""
        asked = self.scope.archive_id
        return str(self.kept(("archive", asked), lambda: resolve_archives(self.reader, asked)))

    @cached_property
    def prices(self) -> PricingTable:
        """The prices in force for it."""
        return load_prices(self.reader, self.archive, offline=False)

    def kept(self, key: Key, make: Callable[[], Any]) -> Any:
        """What a question to this state of the warehouse is answered with, worked out once.

        Args:
            key: Tells the question from all others of pages.
            make: Works it out: a value that JSON can hold.
        """
        body = self.answers.get(
            (self.state.name, "page", *key), lambda: json.dumps(make()).encode()
        )
        return json.loads(body)


class Figure(NamedTuple):
    """A number in large type.

    Attributes:
        title: What it is.
        text: As it is shown.
        exact: Its exact value, for programs.
        href: The rows behind it.
        note: Below it, such as how it was before.
    """

    title: str
    text: str
    exact: str = ""
    href: str | None = None
    note: str = ""


@dataclass(frozen=True)
class Content:
    """What a page says.

    Attributes:
        title: Its head.
        charts: From top to bottom; their tables stand below them.
        tables: Further tables.
        figures: Numbers in large type, above everything.
        crumbs: Name and path of the pages above it.
        lead: A sentence below the title.
        values: What its own template needs besides.
        template: Name of its own template; `page.html` shows figures, charts and tables in order.
        has_window: Whether window and filters mean anything on it.
    """

    title: str
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()
    crumbs: Sequence[tuple[str, str]] = ()
    lead: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    template: str = "page.html"
    has_window: bool = True

    @property
    def all_tables(self) -> tuple[Table, ...]:
        """Every table of the page."""
        return (*(chart.table for chart in self.charts), *self.tables)


@dataclass(frozen=True)
class Page:
    """A page.

    Attributes:
        path: As the router has it, such as `/projects/{key}`; a name stands for one part.
        make: Fills it.
        nav: Its name in the navigation; empty for a page that others lead to.
    """

    path: str
    make: Callable[[Ask], Content]
    nav: str = ""
