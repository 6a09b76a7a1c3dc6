"""Project identities: which repository or directory stands behind a project label.

Stored key columns of an archive are never read; identities are derived anew from what was observed.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

from agentsview_assets.rules.credentials.secrets import clean_name
from agentsview_assets.rules.disks import Disk
from agentsview_assets.rules.paths import (
    clean_path,
    file_directory,
    normalize_root,
)
from agentsview_assets.rules.remotes import portable_remote
from agentsview_assets.rules.text import displayable, to_bytes, trim

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

KeySource = Literal["git_remote", "root_path"]
Resolution = Literal["resolved", "unknown", "ambiguous"]

_WORKTREES_SUFFIX = ".worktrees"


class ProjectObservation(NamedTuple):
    """What was seen on the disk of a machine for a project; absent texts are `''`."""

    project: str
    machine: str
    root_path: str
    git_remote: str
    worktree_name: str
    worktree_root_path: str


class SessionPlace(NamedTuple):
    """Where a session that is not deleted ran and was recorded; absent texts are `''`."""

    project: str
    machine: str
    cwd: str
    file_path: str


class WorktreeMapping(NamedTuple):
    """A rule that assigns the directories below a prefix to a project.

    Attributes:
        layout: `explicit` (or `''`): `project` owns the prefix. `repo_dot_worktrees`: projects are
            named by the directories `<repo>.worktrees` below the prefix.
        enabled: The stored flag is exactly 1.
    """

    machine: str
    path_prefix: str
    layout: str
    project: str
    enabled: bool


class Identity(NamedTuple):
    """A repository or a directory, as v1 documents show it.

    Attributes:
        key: `sha256:` and 64 hexadecimal digits.
        normalized_remote: `host/path`, or `''` for a `root_path` identity.
        root_path: Absolute path, or `''` for a `git_remote` identity.
        machine_local: True exactly for a `root_path` identity.
    """

    key: str
    key_source: KeySource
    normalized_remote: str
    root_path: str
    machine_local: bool


class ProjectIdentity(NamedTuple):
    """The verdict on a project label; `identity` is None unless `resolution` is `resolved`."""

    project: str
    resolution: Resolution
    identity: Identity | None


class _Mapping(NamedTuple):
    """An enabled mapping; `stem` is its prefix without trailing slashes."""

    stem: str
    path_prefix: str
    layout: str
    project: str

    def covers(self, path: str) -> bool:
        r"""Tell whether a cleaned path is the prefix or below it.

        Prefixes are compared as written: they are not cleaned, `\` is no separator, symbolic
        links are followed on neither side, and one with a trailing slash is not its own directory.
        """
        return path == self.path_prefix or path.startswith(f"{self.stem}/")


def identity_key(source: str, value: str) -> str:
    """Hash a normalised remote or root path, as `key` of an identity.

    Args:
        source: `git_remote` or `root_path`.
        value: The normalised value; undecodable bytes as lone surrogates.
    """
    return "sha256:" + hashlib.sha256(to_bytes(f"{source}\n{value}")).hexdigest()


def identify_observation(observation: ProjectObservation, disk: Disk) -> Identity | None:
    """Derive the identity of one observation: its remote, else its directory.

    Returns:
        None when neither is usable. An unusable worktree root hides the root path.
    """
    identity = _remote_identity(observation.git_remote)
    if identity is not None:
        return identity
    prefers_worktree = not observation.git_remote and observation.worktree_root_path
    path = observation.worktree_root_path if prefers_worktree else observation.root_path
    return _path_identity(path, disk)


def resolve_projects(
    labels: Iterable[str],
    observations: Iterable[ProjectObservation],
    places: Iterable[SessionPlace],
    mappings: Iterable[WorktreeMapping],
    disk: Disk,
) -> dict[str, ProjectIdentity]:
    """Decide for each project label which one identity stands behind it.

    Args:
        labels: The labels of a report.
        observations: Observations of any project and machine.
        places: Places of all sessions that are not deleted, of any project; asked only for labels
            without a usable observation.
        mappings: Worktree mappings of any machine.
        disk: Asked for symbolic links and checkouts; should remember its answers.

    Returns:
        One verdict per distinct label, in the order of `labels`.
    """
    wanted = dict.fromkeys(labels)
    observed = _group_by_project(observations, wanted)
    verdicts = {
        label: _verdict(label, (identify_observation(row, disk) for row in observed[label]))
        for label in wanted
    }
    unknown = {label for label, verdict in verdicts.items() if verdict.resolution == "unknown"}
    visited = _group_by_project(places, unknown)
    rules = _group_mappings(mappings)
    for label in unknown:
        verdicts[label] = _verdict(label, _place_identities(visited[label], rules, disk))
    return verdicts


def _verdict(label: str, identities: Iterable[Identity | None]) -> ProjectIdentity:
    found: Identity | None = None
    for identity in identities:
        if identity is None:
            continue
        if found is not None and found.key != identity.key:
            return ProjectIdentity(label, "ambiguous", None)
        found = identity
    return ProjectIdentity(label, "resolved" if found else "unknown", found)


_Row = TypeVar("_Row", ProjectObservation, SessionPlace)


def _group_by_project(rows: Iterable[_Row], wanted: Iterable[str]) -> dict[str, list[_Row]]:
    groups: dict[str, list[_Row]] = {label: [] for label in wanted}
    for row in rows:
        group = groups.get(row.project)
        if group is not None:
            group.append(row)
    return groups


def _group_mappings(mappings: Iterable[WorktreeMapping]) -> dict[str, list[_Mapping]]:
    """Group enabled mappings by machine, the longest prefix first."""
    groups: dict[str, list[_Mapping]] = defaultdict(list)
    for mapping in mappings:
        if mapping.enabled and mapping.path_prefix:
            prefix = mapping.path_prefix
            rule = _Mapping(prefix.rstrip("/"), prefix, mapping.layout, mapping.project)
            groups[mapping.machine].append(rule)
    for group in groups.values():
        group.sort(key=lambda rule: (-len(rule.path_prefix), to_bytes(rule.path_prefix)))
    return groups


def _place_identities(
    places: Iterable[SessionPlace], rules: dict[str, list[_Mapping]], disk: Disk
) -> Iterator[Identity | None]:
    # Sessions differ in their files, seldom in the directories of them.
    distinct = dict.fromkeys(
        place._replace(file_path=place.file_path[: place.file_path.rfind("/") + 1])
        for place in places
    )
    for place in distinct:
        roots = _roots(place)
        machine_rules = rules.get(trim(place.machine), ())
        mapped = _mapped_identity(place.project, roots, machine_rules, disk)
        yield mapped or _first_disk_identity(roots, disk)


def _roots(place: SessionPlace) -> list[str]:
    """Give the usable directories of a place as recorded, distinct, in the order of their bytes."""
    candidates = {trim(place.cwd), trim(file_directory(place.file_path))}
    usable = (root for root in candidates if normalize_root(root, _unresolved) is not None)
    return sorted(usable, key=to_bytes)


def _unresolved(_path: str) -> None:
    return None


def _mapped_identity(
    label: str, roots: Sequence[str], rules: Sequence[_Mapping], disk: Disk
) -> Identity | None:
    """Give the identity of the first root that a mapping assigns to the label."""
    for root in roots:
        path = clean_path(root)
        for rule in rules:
            owned = _owned_directory(label, path, rule)
            identity = _path_identity(owned, disk) if owned else None
            if identity is not None:
                return identity
    return None


def _owned_directory(label: str, path: str, rule: _Mapping) -> str | None:
    """Give the directory that a mapping assigns to the label, when it holds the path."""
    if not rule.covers(path):
        return None
    if rule.layout in ("", "explicit"):
        return rule.path_prefix if rule.project == label else None
    if rule.layout == "repo_dot_worktrees":
        return _worktrees_directory(label, path, rule.stem)
    return None


def _worktrees_directory(label: str, path: str, stem: str) -> str | None:
    """Give `<stem>/<repo>.worktrees` when the path lies below it and the repo has the label."""
    directory, slash, _branch = path[len(stem) + 1 :].partition("/")
    if not slash or not directory.endswith(_WORKTREES_SUFFIX):
        return None
    # Labels made from directory names have `_` for `-`; case and dots are kept.
    repository = trim(directory.removesuffix(_WORKTREES_SUFFIX)).replace("-", "_")
    return f"{stem}/{directory}" if repository and repository == label else None


def _first_disk_identity(roots: Sequence[str], disk: Disk) -> Identity | None:
    """Give the identity of the checkout around the first root, or of that directory itself."""
    for root in roots:
        checkout = disk.checkout(root)
        remote = _remote_identity(checkout.remote) if checkout else None
        identity = remote or _path_identity(checkout.root if checkout else root, disk)
        if identity is not None:
            return identity
    return None


def _remote_identity(raw: str) -> Identity | None:
    remote = portable_remote(raw)
    if remote is None:
        return None
    key = identity_key("git_remote", remote)
    return Identity(key, "git_remote", displayable(remote), "", machine_local=False)


def _path_identity(raw: str, disk: Disk) -> Identity | None:
    path = normalize_root(raw, disk.resolve_symlinks)
    if path is None:
        return None
    path = clean_name(path)
    key = identity_key("root_path", path)
    return Identity(key, "root_path", "", displayable(path), machine_local=True)
