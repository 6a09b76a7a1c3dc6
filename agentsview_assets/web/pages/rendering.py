"""HTML: the templates, and what all of them share.

Everything that comes from an archive goes through `formats` (nothing in it acts) and is escaped by
the templates. What belongs here: the environment of templates. What does not: any page.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import jinja2

from agentsview_assets import __version__
from agentsview_assets.web.pages import formats
from agentsview_assets.web.pages.downloads import FORMATS
from agentsview_assets.web.pages.scope import AUTOMATION, NAMED, SPANS
from agentsview_assets.web.pages.statics import static_path

HTML = "text/html; charset=utf-8"


def rendered(template: str, **values: Any) -> bytes:
    """A template with values, as bytes."""
    text = _environment().get_template(template).render(values)
    return text.encode("utf-8", "replace")


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("agentsview_assets.web", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(
        version=__version__,
        downloads=list(FORMATS),
        spans=SPANS,
        automations=AUTOMATION,
        dimensions=NAMED,
        static=static_path,
        f=formats,
    )
    return environment
