"""Names that would like to be more than text: Markdown, markup, addresses, escapes, what hides.

A model's name comes verbatim from a transcript, a project's from a folder; anybody may have chosen
them. Each name here has a number, by which it can be told wherever it turns up.
"""

from __future__ import annotations

import random
import re

ADDRESS = "127.0.0.1:9911"
"""Where nobody must go: not this machine's web server, and watched by tests."""
MARK = "zq"
NUMBERED = re.compile(MARK + r"\d{3}")

_MARKDOWN = (
    *("![{m}](http://{a}/{m}.png)", "[{m}](http://{a}/{m})", "[{m}][r]\n\n[r]: http://{a}/{m}"),
    *("**{m}**", "__{m}__", "*{m}*", "_{m}_", "~~{m}~~", "`{m}`", "``{m}``", "$$ {m} $$"),
    *("# {m}", "{m}\n===", "{m}\n---", "> {m}", "- {m}", "+ {m}", "* {m}", "1. {m}", "12) {m}"),
    *("- [x] {m}", "    {m}", "\t{m}", "```\n{m}\n```", "~~~\n{m}", "|{m}|b|", "a|{m}", "\\|{m}|"),
    *("{m}\\", "\\{m}", "{m}|", "|---|{m}|", "[^1]: {m}", "{m}[^1]", ":smile: {m}", "{m} :+1:"),
    *("&lt;b&gt;{m}", "&#60;{m}", "&nbsp;{m}", "&copy{m}", "{m}  \nnext", "***{m}***", "==={m}"),
)
_MARKUP = (
    *("<b>{m}</b>", "<img src=http://{a}/{m}>", "<script>fetch('http://{a}/{m}')</script>"),
    *(
        "<a href='http://{a}/{m}'>{m}</a>",
        "<!-- {m} -->",
        "</td></tr></table>{m}",
        "<svg/onload={m}>",
    ),
    *(
        "<style>@import 'http://{a}/{m}'</style>",
        "<iframe src=//{a}/{m}>",
        "]]>{m}",
        "<![CDATA[{m}",
    ),
    *(
        "\"'><img src=x onerror={m}>",
        "{{{{{m}}}}}",
        "${{{m}}}",
        "<http://{a}/{m}>",
        "javascript:{m}",
    ),
)
_ADDRESSES = (
    *("http://{a}/{m}", "https://example.com/{m}", "HTTP://EXAMPLE.COM/{m}", "www.example.com/{m}"),
    *("WWW.example.com/{m}", "{m}@example.com", "mailto:{m}@example.com", "see http://{a}/{m}, ok"),
    *("(http://{a}/{m})", "x\u00a0http://{a}/{m}", "ftp://{a}/{m}", "xmpp:{m}@example.com/x"),
)
_ACTING = (
    *(
        "\x1b[31m{m}\x1b[0m",
        "\x1b]8;;http://{a}/{m}\x07{m}\x1b]8;;\x07",
        "\x1b]0;{m}\x07",
        "\x9b2J{m}",
    ),
    *(
        "\x1b[2J{m}",
        "{m}\r",
        "a\r{m}",
        "{m}\nerror: no",
        "\x08\x08{m}",
        "\x7f{m}",
        "\x07{m}",
        "\x0c{m}",
    ),
    *("\x0b{m}", "\x85{m}", "\u202e{m}", "\u2066{m}\u2069", "\u200f{m}", "\u061c{m}", "\u200b{m}"),
    *(
        "\u200d{m}",
        "\u2060{m}",
        "\ufeff{m}",
        "\u2028{m}",
        "\u2029{m}",
        "\u00ad{m}",
        "\U000e0041{m}",
    ),
    *("\x01{m}", "\x1f{m}", "\ufffe{m}", "\uffff{m}", "\x90{m}\x9c", "\x1bP{m}\x1b\\", "\x1b(0{m}"),
)
KINDS = {
    "markdown": _MARKDOWN,
    "markup": _MARKUP,
    "addresses": _ADDRESSES,
    "what acts": _ACTING,
}


def hostile_names(count: int = 320, seed: int = 1) -> list[str]:
    """Distinct names: every shape alone first, then shapes beside and inside one another."""
    chance = random.Random(seed)
    shapes = [shape for kind in KINDS.values() for shape in kind]
    names = []
    for number in range(count):
        mark = f"{MARK}{number:03}"
        if number < len(shapes):
            names.append(shapes[number].format(m=mark, a=ADDRESS))
            continue
        one, other = chance.sample(shapes, 2)
        text = one.format(m=mark, a=ADDRESS)
        if chance.random() < 0.5:
            names.append(other.format(m=text, a=ADDRESS))
        else:
            between = chance.choice(("", " ", "|", "\\", "  "))
            names.append(text + between + other.format(m=mark, a=ADDRESS))
    return names
