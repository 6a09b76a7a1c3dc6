"""The `serve` command: the documents over HTTP, and pages, from a warehouse.

What belongs here: options and what is said before it starts. What does not: any answer.
"""

# ruff: noqa: PLC0415 - the parts that work are imported when they are needed

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agentsview_assets.cli.words import say

if TYPE_CHECKING:
    from agentsview_assets.web.serving import Serving

_EXAMPLES = """
\b
Examples:
  agentsview-assets serve --open                    on http://127.0.0.1:8080
  agentsview-assets serve --warehouse postgresql://reader@db/agents
  agentsview-assets serve --host 0.0.0.0 --token-file /run/secrets/token \\
      --public-url https://agents.example.com
"""


@click.command(epilog=_EXAMPLES)
@click.option(
    "--warehouse", metavar="URL", help="Warehouse to show  [env: AGENTSVIEW_ASSETS_WAREHOUSE]"
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Port to listen on; 0 takes a free one",
)
@click.option(
    "--token-file",
    metavar="PATH",
    help="File with the token that clients show  [env, the token itself: "
    "AGENTSVIEW_ASSETS_SERVE_TOKEN]",
)
@click.option("--base-path", metavar="PATH", default="", help="Path before all others: /agents")
@click.option(
    "--public-url",
    metavar="URL",
    multiple=True,
    help="Address under which a proxy before it serves it; may be repeated",
)
@click.option(
    "--dagster-url", metavar="URL", default="", help="Address of the Dagster UI, for links to it"
)
@click.option(
    "--cursor-secret-file", metavar="PATH", help="File with the secret of cursors, in base64"
)
@click.option("--open", "is_opened", is_flag=True, help="Open it in a browser")
def serve(  # noqa: PLR0913 - one parameter an option
    *,
    warehouse: str | None,
    host: str,
    port: int,
    token_file: str | None,
    base_path: str,
    public_url: tuple[str, ...],
    dagster_url: str,
    cursor_secret_file: str | None,
    is_opened: bool,
) -> None:
    """Serve the v1 documents over HTTP, and pages to look at, until Ctrl-C.

    It reads the warehouse and writes nothing. Without a token only this machine reaches it.
    """
    from agentsview_assets.settings import load_settings
    from agentsview_assets.web.server import serve as serve_until_ended
    from agentsview_assets.web.serving import Serving, checked, public_origin, read_token

    settings = load_settings(warehouse=warehouse)
    serving: Serving = checked(
        Serving(
            settings.warehouse,
            host=host,
            port=port,
            token=read_token(token_file),
            base_path=base_path.rstrip("/"),
            public_urls=tuple(map(public_origin, public_url)),
            dagster_url=dagster_url.rstrip("/"),
            key_prefix=settings.key_prefix,
            cursor_secret_file=cursor_secret_file,
        )
    )
    serve_until_ended(serving, settings, lambda text: say(text, err=True), is_opened=is_opened)
