"""Project labels: root paths, several observations of one label, and labels without any."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.odd_archives.workbench import Edit, Workbench

PATHS = (
    "/home/me/proj/",
    "/home/me//proj/./x/../",
    "/",
    "//",
    "//server/share/x",
    "/a/../../b",
    "/a\\b\\..\\c",
    "  /a/b  ",
    "/a/b\n",
    "/A/B",
    "/a:b/c",
    "C:\\Users\\Me\\proj",
    "c:/Users/Me/proj/",
    "C:\\",
    "C:/",
    "c:\\a\\..\\..\\b",
    "C:\\\\a\\\\b",
    "C:",
    "C:foo",
    "1:/a",
    "C:/x://y",
    "/x/y://z",
    "file:///a",
    "\\\\server\\share\\x",
    "host:/path",
    "user@host:/path",
    "é:/x",
    "a/b",
    "./a",
    "../a",
    "~",
    "~/a",
    ".",
    "",
    "/home/mé/x",
    "\u00a0/nbsp\u00a0",
    "/trailing /x ",
)


def root_paths(bench: Workbench) -> None:
    """Each root as the only observation of its label."""
    for number, path in enumerate(PATHS):
        label = f"path-{number:02}"
        bench.used(label)
        bench.observe(label, root_path=path)


def symbolic_links(bench: Workbench) -> None:
    """Roots are cleaned as text first, then their links are followed on the reading machine."""
    disk = bench.disk / "links"
    (disk / "real" / "sub").mkdir(parents=True, exist_ok=True)
    (disk / "file").write_text("", encoding="utf-8")
    for name, target in (("link", "real"), ("loop", "loop"), ("dangling", "nowhere")):
        if not (disk / name).is_symlink():
            (disk / name).symlink_to(disk / target)
    tails = ("link/sub", "link/nosuch", "link/../x", "dangling", "loop/x", "file/x", "link\\sub")
    for number, tail in enumerate(tails):
        label = f"link-{number}"
        bench.used(label)
        bench.observe(label, root_path=f"{disk}/{tail}")


def worktree_roots(bench: Workbench) -> None:
    """Without a remote the worktree's root replaces the root path, even an unusable one."""
    cases = (("/x", ""), ("/x", "/srv/r.git"), ("/x", " "), ("rel", ""), (" /x/ ", ""), (" ", ""))
    for number, (worktree, remote) in enumerate(cases):
        label = f"worktree-{number}"
        bench.used(label)
        bench.observe(
            label,
            root_path="/x/sub",
            worktree_root_path=worktree,
            worktree_name="w",
            git_remote=remote,
        )
    bench.used("worktree-relative")
    bench.observe("worktree-relative", root_path="rel")


def several_observations(bench: Workbench) -> None:
    """One key over all machines resolves a label; two make it ambiguous."""
    first, second = "https://github.com/O/R", "git@github.com:O/R.git"
    cases = {
        "same-remote": (("m1", "/1", first), ("m2", "/2", second)),
        "two-remotes": (("m1", "/1", first), ("m1", "/1", "https://github.com/O/Other")),
        "remote-and-root": (("m1", "/x", first), ("m1", "/y", "")),
        "remote-and-same-root": (("m1", "/x", first), ("m1", "/x", "")),
        "two-roots": (("m1", "/x", ""), ("m1", "/y", "")),
        "same-root": (("m1", "/x", ""), ("m2", "/x/", "")),
        "unusable-and-root": (("m1", "rel", ""), ("m2", "/x", "")),
    }
    for label, rows in cases.items():
        bench.used(label, cwd="/never/read")
        for machine, root, remote in rows:
            bench.observe(label, machine=machine, root_path=root, git_remote=remote)


def lying_derived_columns(bench: Workbench) -> None:
    """The stored key columns are never read."""
    bench.used("lying")
    bench.observe(
        "lying",
        root_path="/true",
        normalized_remote="lie.example/x",
        key_source="git_remote",
        key="sha256:nonsense",
        observed_at="never",
    )


def padded_labels(bench: Workbench) -> None:
    """Observations have trimmed labels, so that a padded session label finds none."""
    bench.used(" spaced ", cwd="/spaced/own")
    bench.observe("spaced", root_path="/spaced/observed")


def fallback_roots(bench: Workbench) -> None:
    """Without an observation each session gives its first root in byte order."""
    cases: dict[str, tuple[str, str | None]] = {
        "cwd-only": ("/home/me/proj/", None),
        "file-only": ("", "/a/state.db#123"),
        "file-wins": ("/zz/p", "/aa/x.jsonl"),
        "cwd-wins": ("/aa/p", "/zz/x.jsonl"),
        "bucket-file": ("", "s3://b/x.jsonl"),
        "relative": ("rel/x", "plain.jsonl"),
        "dot": (".", "./x.jsonl"),
        "windows": ("C:\\a\\b", None),
        "both-windows": ("d:\\z", "C:\\a\\x.jsonl"),
        "padded": ("  /pad/x  ", None),
        "remote-looking": ("host:/x", "user@host:/y/z.jsonl"),
        "nothing": ("", None),
        "empty-file": ("", ""),
        "root-file": ("", "/x.jsonl"),
    }
    for label, (folder, file) in cases.items():
        bench.used(f"fallback-{label}", cwd=folder, file_path=file)


def fallback_ambiguity(bench: Workbench) -> None:
    """Sessions without usage and outside the window count too; trashed ones do not."""
    for label, deleted in (("ambiguous", None), ("not-ambiguous", "2026-07-01T00:00:00Z")):
        bench.used(f"fallback-{label}", cwd="/here")
        bench.session(
            f"silent:{label}",
            f"fallback-{label}",
            cwd="/there",
            started_at="2020-01-01T00:00:00Z",
            deleted_at=deleted,
        )


def fallback_repositories(bench: Workbench) -> None:
    """A root inside a repository on this disk takes the repository's identity."""
    disk = bench.disk / "repositories"
    remotes = {
        "plain": '[remote "origin"]\n\turl = git@github.com:saltmarsh/plain.git\n',
        "secret": '[remote "origin"]\n\turl = https://me:pw@github.com/saltmarsh/secret.git\n',
        "none": "[core]\n\tbare = false\n",
        "local-origin": '[remote "origin"]\nurl = /srv/x.git\n'
        '[remote "backup"]\nurl = https://h.example/backup.git\n',
        "byte-order": '[remote "alpha"]\nurl = a.example:x\n[remote "Zeta"]\nurl = z.example:x\n',
        "later-url": '[remote "origin"]\nurl = one.example:x\nurl = two.example:x\n',
        "quoted": '[remote "origin"]\nurl = "git@h.example:o/r.git"\n',
        "noted": '[remote "origin"]\nurl = https://h.example/o/r.git ; note\n',
        "hash": '[remote "origin"]\nurl = https://h.example/o/r.git # note\n',
        "noted-section": '[remote "origin"]\nurl = kept.example:x\n'
        '[remote "other"] # note\nurl = taken.example:y\n',
        "dotted": "[remote.origin]\nurl = dotted.example:x\n",
        "upper-key": '[remote "origin"]\nURL = upper.example:x\n',
        "push-only": '[remote "origin"]\npushurl = push.example:x\n',
    }
    for name, config in remotes.items():
        inner = disk / name / "deep" / "down"
        inner.mkdir(parents=True, exist_ok=True)
        _git_folder(disk / name / ".git", config)
        bench.used(f"repo-{name}", cwd=str(inner), machine="some-other-machine")
    bench.used("repo-gone", cwd=str(disk / "plain" / "deleted"))
    bench.used("repo-file", file_path=str(disk / "plain" / "deep" / "x.jsonl"))
    (disk / "way-in").unlink(missing_ok=True)
    (disk / "way-in").symlink_to(disk / "plain" / "deep")
    bench.used("repo-linked", cwd=str(disk / "way-in"))


def fallback_worktrees(bench: Workbench) -> None:
    """A `.git` file leads to the shared configuration, unless it leads nowhere."""
    disk = bench.disk / "worktrees"
    private = disk / "main" / ".git" / "worktrees" / "side"
    _git_folder(disk / "main" / ".git", '[remote "origin"]\nurl = w.example:o/r.git\n')
    private.mkdir(parents=True, exist_ok=True)
    (private / "commondir").write_text("../..\n", encoding="utf-8")
    pointers = {"side": f"gitdir: {private}\n", "lost": "gitdir: /nowhere/at/all\n", "blank": "\n"}
    for name, pointer in pointers.items():
        (disk / name).mkdir(parents=True, exist_ok=True)
        (disk / name / ".git").write_text(pointer, encoding="utf-8")
        bench.used(f"tree-{name}", cwd=str(disk / name))


def worktree_mappings(bench: Workbench) -> None:
    """An enabled mapping of the session's machine gives its prefix, the longest one first."""
    rows = (
        ("local", "/maps/one", "explicit", "mapped-one", 1),
        ("local", "/maps/one/inner", "explicit", "mapped-one", 1),
        ("local", "/maps/off", "explicit", "mapped-off", 0),
        ("elsewhere", "/maps/far", "explicit", "mapped-far", 1),
        ("local", "/maps/trees", "repo_dot_worktrees", "", 1),
    )
    for row in rows:
        bench.database.execute(
            "INSERT INTO worktree_project_mappings (machine, path_prefix, layout, project, enabled)"
            " VALUES (?, ?, ?, ?, ?)",
            row,
        )
    folders = {
        "mapped-one": "/maps/one/inner/deep",
        "mapped-off": "/maps/off/deep",
        "mapped-far": "/maps/far/deep",
        "mapped-other": "/maps/one/deep",
        "trees_repo": "/maps/trees/trees-repo.worktrees/branch",
        "not-the-repo": "/maps/trees/trees-repo.worktrees/branch",
    }
    for label, folder in folders.items():
        bench.used(label, cwd=folder)


def _git_folder(folder: Path, config: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config").write_text(config, encoding="utf-8")
    (folder / "HEAD").write_text("ref: refs/heads/main\n", encoding="utf-8")


EDITS: tuple[Edit, ...] = (
    root_paths,
    symbolic_links,
    worktree_roots,
    several_observations,
    lying_derived_columns,
    padded_labels,
    fallback_roots,
    fallback_ambiguity,
    fallback_repositories,
    fallback_worktrees,
    worktree_mappings,
)
