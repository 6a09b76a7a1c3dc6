"""Rows that may or may not count: who is eligible, and under which labels."""

from __future__ import annotations

from tests.support.odd_archives.workbench import DAY, Edit, Workbench


def synthetic_models(bench: Workbench) -> None:
    """Only a message's exact `<synthetic>` is left out; other spellings and sources count."""
    session = bench.session("synthetic", "synthetic-models")
    bench.message(session, model="<synthetic>")
    bench.message(session, model="<Synthetic>")
    bench.message(session, model=" <synthetic>")
    bench.event(session, model="<synthetic>", dedup_key="a")
    bench.cursor(model="<synthetic>")


def roles_do_not_matter(bench: Workbench) -> None:
    """A user, system or tool message with tokens and a model counts."""
    session = bench.session("roles", "roles")
    for role in ("user", "system", "tool", ""):
        bench.message(session, role=role)


def relationships_do_not_matter(bench: Workbench) -> None:
    """Subagent, fork and continuation sessions count like roots."""
    for kind in ("", "subagent", "fork", "continuation", "unheard-of"):
        session = bench.session(
            f"related:{kind}", f"related-{kind}", relationship_type=kind, parent_session_id="none"
        )
        bench.message(session)
        bench.event(session)


def trashed_sessions(bench: Workbench) -> None:
    """A session counts only while `deleted_at` is NULL; the empty text is a deletion too."""
    for name, deleted in (("kept", None), ("trashed", NOW), ("emptied", "")):
        session = bench.session(f"trash:{name}", f"trash-{name}", deleted_at=deleted)
        bench.message(session)
        bench.event(session)


def orphan_rows(bench: Workbench) -> None:
    """Messages and events whose session row is missing are dropped."""
    bench.message("nobody", usage={"input_tokens": 77})
    bench.event("nobody", input_tokens=77)


def eligible_texts(bench: Workbench) -> None:
    """Any non-empty token text is a row, even one that cannot be parsed; '' is none."""
    session = bench.session("texts", "eligible-texts")
    for usage in ("", " ", "{}", "not json", "[]", "null"):
        bench.message(session, usage=usage, model=f"of {usage!r}")
    zero = bench.session("zero", "only-zero-tokens")
    bench.message(zero, usage="not json", model="mute-model")


def raw_models(bench: Workbench) -> None:
    """Model texts are used raw: blanks, cases, markup and line ends make models of their own."""
    session = bench.session("raw-models", "raw-models")
    for model in (
        "",
        " ",
        "\t",
        "Zz",
        "aa",
        "éé",
        'q"uote\\',
        "<b>&amp;",
        "line\nend",
        "\u2028",
        "😀",
    ):
        bench.message(session, model=model)
        bench.event(session, model=model, cost_usd=0.5)
        bench.cursor(model=model)


def raw_labels(bench: Workbench) -> None:
    """Project and agent labels are used raw; the empty project has no identity."""
    labels = ("", " ", " padded ", "Upper", "upper", "<tag>&", "sep\u2028arator", 'a"b\\c', "日本")
    for number, label in enumerate(labels):
        session = bench.session(f"label:{number}", label, agent=f"agent {label}")
        bench.message(session, usage={"output_tokens": number * 10})
    for label in ("padded", "Upper"):
        bench.observe(label, root_path=f"/labels/{label}")


def agent_spellings(bench: Workbench) -> None:
    """Agent filters compare untrimmed and by case, but look for `cursor` in trimmed parts."""
    for agent in ("claude", "Claude", "cursor", " cursor", "codex", "", "copilot", "zcode"):
        session = bench.session(f"agent:{agent}", f"by {agent}", agent=agent)
        bench.message(session)
        bench.event(session)
    bench.cursor(dedup_key="agents")


def event_called_message(bench: Workbench) -> None:
    """An event of source `message` reads as a message with no tokens but keeps its cost."""
    session = bench.session("impostor", "event-called-message", agent="copilot")
    bench.event(session, source="message", cost_usd=0.25, reasoning_tokens=9)
    bench.event(session, source="message", dedup_key="x", model="mystery-model")


def event_called_cursor(bench: Workbench) -> None:
    """An event of source `cursor` gives tokens, but its session is not counted."""
    session = bench.session("like-cursor", "event-called-cursor")
    bench.event(session, source="cursor")
    bench.event(session, source="Cursor", dedup_key="counts")


def filter_flags(bench: Workbench) -> None:
    """The command line leaves out neither automated nor one-shot sessions."""
    for automated in (0, 1):
        for prompts in (0, 1, 2):
            name = f"flags:{automated}{prompts}"
            bench.session(name, name, is_automated=automated, user_message_count=prompts)
            bench.message(name)
    bench.cursor(is_headless=1)


def whole_reals(bench: Workbench) -> None:
    """A REAL token count without a fraction is an integer."""
    session = bench.session("reals", "whole-reals")
    bench.event(session, input_tokens=2.0, output_tokens=-0.0)


def no_token_agents(bench: Workbench) -> None:
    """Agents without token data: zero totals, for the note that the table adds."""
    for agent in ("windsurf", "visualstudio-copilot"):
        session = bench.session(f"tokenless:{agent}", "tokenless", agent=agent)
        bench.message(session, usage="{}", timestamp=f"{DAY}T09:00:00Z")


NOW = f"{DAY}T09:00:00.000Z"

EDITS: tuple[Edit, ...] = (
    synthetic_models,
    roles_do_not_matter,
    relationships_do_not_matter,
    trashed_sessions,
    orphan_rows,
    eligible_texts,
    raw_models,
    raw_labels,
    agent_spellings,
    event_called_message,
    event_called_cursor,
    filter_flags,
    whole_reals,
    no_token_agents,
)
