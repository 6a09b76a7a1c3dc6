"""Project identities: keys, verdicts on labels, and the fallback to where sessions ran."""

from __future__ import annotations

import pytest

from agentsview_assets.rules.disks import Checkout
from agentsview_assets.rules.identities import (
    Identity,
    ProjectObservation,
    SessionPlace,
    WorktreeMapping,
    identify_observation,
    identity_key,
    resolve_projects,
)

LABEL = "my_app"


class FakeDisk:
    """A disk with given symbolic links and checkouts, which counts the questions."""

    def __init__(
        self, links: dict[str, str] | None = None, checkouts: dict[str, Checkout] | None = None
    ) -> None:
        """Take resolved paths and checkouts by path; nothing else is there."""
        self.links = links or {}
        self.checkouts = checkouts or {}
        self.asked: list[str] = []

    def resolve_symlinks(self, path: str) -> str | None:
        return self.links.get(path)

    def checkout(self, path: str) -> Checkout | None:
        self.asked.append(path)
        return self.checkouts.get(path)


NO_DISK = FakeDisk()


def observed(
    root: str = "", remote: str = "", worktree_root: str = "", machine: str = "m1"
) -> ProjectObservation:
    return ProjectObservation(LABEL, machine, root, remote, "", worktree_root)


def place(cwd: str = "", file_path: str = "", machine: str = "m1") -> SessionPlace:
    return SessionPlace(LABEL, machine, cwd, file_path)


def mapping(
    prefix: str, layout: str = "explicit", project: str = LABEL, *, enabled: bool = True
) -> WorktreeMapping:
    return WorktreeMapping("m1", prefix, layout, project, enabled)


def verdict(
    *,
    observations: list[ProjectObservation] | None = None,
    places: list[SessionPlace] | None = None,
    mappings: list[WorktreeMapping] | None = None,
    disk: FakeDisk = NO_DISK,
) -> tuple[str, str | None]:
    """Resolve one label; give the resolution and the remote or root path."""
    result = resolve_projects([LABEL], observations or [], places or [], mappings or [], disk)
    found = result[LABEL]
    assert found.project == LABEL
    assert (found.identity is not None) == (found.resolution == "resolved")
    shown = found.identity and (found.identity.normalized_remote or found.identity.root_path)
    return found.resolution, shown


@pytest.mark.parametrize(
    ("source", "value", "digest"),
    [
        (
            "git_remote",
            "github.com/Org/Repo",
            "a4bcb5a3e1f586e1a30b1145e5681b23324bad2c33b8b442d7e775ab53bed000",
        ),
        (
            "git_remote",
            "github.com/O/R",
            "b25dadb7665051dda70f8d1865d570a574b0f2b860fb1f8fc4c218da8be5f7a4",
        ),
        (
            "git_remote",
            "2001:db8::1/Org/Repo",
            "87bc306dcadc7a7b4afdce1b49d7c5411f160f6bddc28539090699828b87220d",
        ),
        (
            "root_path",
            "/home/me/proj",
            "c775a4a69021ba0da71a7a54e087cd6ae4817d5427bf2a5d6da4687e4e8d6ada",
        ),
        (
            "root_path",
            "C:/Users/Me/proj",
            "f363d4862289f19091a21720ecf7865b6b04b34c1afb5e01e89b762254a0ee5d",
        ),
        ("root_path", "/x", "66fc0b5dae73db4c65e50da55791548ba1e1901d9cb21a23db4e6041eaf88659"),
    ],
)
def test_key_is_a_digest_of_source_and_value(source: str, value: str, digest: str) -> None:
    assert identity_key(source, value) == f"sha256:{digest}"


def test_remote_makes_a_portable_identity() -> None:
    identity = identify_observation(observed("/x", "git@GitHub.com:O/R.git"), NO_DISK)
    key = identity_key("git_remote", "github.com/O/R")
    assert identity == Identity(key, "git_remote", "github.com/O/R", "", machine_local=False)


def test_directory_makes_a_machine_local_identity() -> None:
    identity = identify_observation(observed("/x/"), NO_DISK)
    key = identity_key("root_path", "/x")
    assert identity == Identity(key, "root_path", "", "/x", machine_local=True)


def test_undecodable_bytes_are_hashed_as_they_are_and_displayed_as_replacements() -> None:
    one = identify_observation(observed(remote="https://h/%ff"), NO_DISK)
    other = identify_observation(observed(remote="https://h/%fe"), NO_DISK)
    assert one is not None
    assert other is not None
    assert one.normalized_remote == other.normalized_remote == "h/\ufffd"
    assert one.key != other.key


@pytest.mark.parametrize(
    ("observations", "expected"),
    [
        (
            [
                observed("/a", "https://github.com/O/R"),
                observed("/b", "git@github.com:O/R.git", machine="m2"),
            ],
            ("resolved", "github.com/O/R"),
        ),
        ([observed("/a", "h:o/r"), observed("/a", "h:o/q")], ("ambiguous", None)),
        ([observed("/x", "h:o/r"), observed("/y")], ("ambiguous", None)),
        ([observed("/x", "h:o/r"), observed("/x")], ("ambiguous", None)),
        ([observed("/x"), observed("/y")], ("ambiguous", None)),
        ([observed("/x"), observed("/x/", machine="m2")], ("resolved", "/x")),
        ([observed("/x/sub", "", "/x")], ("resolved", "/x")),
        ([observed("/x/sub", "/srv/r.git", "/x")], ("resolved", "/x/sub")),
        ([observed("/x/sub", " ", "/x")], ("resolved", "/x/sub")),
        ([observed("/x/sub", "", "rel")], ("unknown", None)),
        ([observed("rel")], ("unknown", None)),
        ([observed("rel"), observed("/x")], ("resolved", "/x")),
        ([], ("unknown", None)),
    ],
)
def test_distinct_keys_of_observations_decide(
    observations: list[ProjectObservation], expected: tuple[str, str | None]
) -> None:
    assert verdict(observations=observations) == expected


def test_labels_keep_their_order_and_others_are_left_out() -> None:
    rows = [observed("/x"), observed("/y")._replace(project="other")]
    result = resolve_projects(["b", LABEL, "a", LABEL], rows, [], [], NO_DISK)
    assert list(result) == ["b", LABEL, "a"]
    assert [result[label].resolution for label in result] == ["unknown", "resolved", "unknown"]


def test_label_with_spaces_never_finds_its_trimmed_observation() -> None:
    result = resolve_projects([f" {LABEL} "], [observed("/x")], [], [], NO_DISK)
    assert result[f" {LABEL} "].resolution == "unknown"


def test_ambiguous_observations_are_final() -> None:
    rows = [observed("/x"), observed("/y")]
    assert verdict(observations=rows, places=[place("/x")]) == ("ambiguous", None)


def test_sessions_are_asked_only_without_a_usable_observation() -> None:
    disk = FakeDisk()
    places = [place("/y")]
    assert verdict(observations=[observed("/x")], places=places, disk=disk) == ("resolved", "/x")
    assert disk.asked == []
    assert verdict(observations=[observed("rel")], places=places, disk=disk) == ("resolved", "/y")


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([place("/home/me/proj/")], ("resolved", "/home/me/proj")),
        ([place(file_path="/a/state.db#123")], ("resolved", "/a")),
        ([place(file_path="s3://b/x.jsonl")], ("unknown", None)),
        ([place("rel/x")], ("unknown", None)),
        ([place("C:\\a\\b")], ("resolved", "C:/a/b")),
        ([place("/zz/p", "/aa/x.jsonl")], ("resolved", "/aa")),
        ([place("rel/x", "/aa/x.jsonl")], ("resolved", "/aa")),
        ([place("/x"), place("/y", machine="m2")], ("ambiguous", None)),
        ([place("/x"), place("/x/", machine="m2"), place("rel")], ("resolved", "/x")),
        # Texts are compared as recorded, not as normalised: `//zz` comes before `/aa`.
        ([place("//zz/p", "/aa/x.jsonl")], ("resolved", "/zz/p")),
        ([place("/b\\c", "/b0/x.jsonl")], ("resolved", "/b0")),
        ([place("  /zz", "/aa/x.jsonl")], ("resolved", "/aa")),
    ],
)
def test_sessions_stand_in_for_observations(
    places: list[SessionPlace], expected: tuple[str, str | None]
) -> None:
    assert verdict(places=places) == expected


def test_session_in_a_checkout_has_the_identity_of_the_remote() -> None:
    disk = FakeDisk(checkouts={"/w/sub": Checkout("/w", "https://h.com/o/r.git")})
    assert verdict(places=[place("/w/sub")], disk=disk) == ("resolved", "h.com/o/r")


def test_session_in_a_checkout_without_remote_has_the_identity_of_its_root() -> None:
    disk = FakeDisk(checkouts={"/w/sub": Checkout("/w", "")})
    assert verdict(places=[place("/w/sub")], disk=disk) == ("resolved", "/w")


def test_symbolic_links_decide_whether_directories_are_one() -> None:
    places = [place("/link"), place("/real")]
    assert verdict(places=places) == ("ambiguous", None)
    disk = FakeDisk(links={"/link": "/real", "/real": "/real"})
    assert verdict(places=places, disk=disk) == ("resolved", "/real")


def test_a_directory_shared_by_many_sessions_is_looked_up_once() -> None:
    disk = FakeDisk()
    places = [place("/p", f"/x/{number}.jsonl") for number in range(1000)]
    assert verdict(places=places, disk=disk) == ("resolved", "/p")
    assert disk.asked == ["/p"]


@pytest.mark.parametrize(
    ("cwd", "mappings", "root"),
    [
        ("/v/a/b", [mapping("/v")], "/v"),
        ("/v/a/b", [mapping("/v", layout="")], "/v"),
        ("/v/a/b", [mapping("/v//")], "/v"),
        ("/v", [mapping("/v")], "/v"),
        ("/v/x/../a", [mapping("/v/x")], "/v/a"),
        ("//v/a", [mapping("/v")], "/v"),
        ("/v/a", [mapping("/")], "/"),
        ("/vv/a", [mapping("/v")], "/vv/a"),
        ("/V/a", [mapping("/v")], "/V/a"),
        ("/v/a", [mapping("")], "/v/a"),
        ("/v/a", [mapping("/v//./")], "/v/a"),
        ("/v/a", [mapping(" /v ")], "/v/a"),
        ("/v/a", [mapping("/v", layout="unheard_of")], "/v/a"),
        ("/v/a", [mapping("/v", enabled=False)], "/v/a"),
        ("/v/a", [mapping("/v", project="my-app")], "/v/a"),
        ("/v/a/b", [mapping("/v"), mapping("/v/a")], "/v/a"),
        ("/v/a/b", [mapping("/v"), mapping("/v/a", project="other")], "/v"),
        ("/v\\x\\a", [mapping("/v/x")], "/v/x/a"),
        ("C:/v/a", [mapping("C:/v")], "C:/v"),
        ("C:\\v\\a", [mapping("C:/v")], "C:/v/a"),
        ("c:/v/a", [mapping("C:/v")], "C:/v/a"),
    ],
)
def test_explicit_mapping_of_the_label_gives_its_prefix(
    cwd: str, mappings: list[WorktreeMapping], root: str
) -> None:
    assert verdict(places=[place(cwd)], mappings=mappings) == ("resolved", root)


@pytest.mark.parametrize(
    ("cwd", "prefix", "root"),
    [
        ("/v/my-app.worktrees/fix/deep", "/v", "/v/my-app.worktrees"),
        ("/v/my_app.worktrees/fix", "/v/", "/v/my_app.worktrees"),
        ("/v/ my-app .worktrees/fix", "/v", "/v/ my-app .worktrees"),
        ("/my-app.worktrees/fix", "/", "/my-app.worktrees"),
        ("/v/my-app.worktrees", "/v", "/v/my-app.worktrees"),
        ("/v/My-App.worktrees/fix", "/v", "/v/My-App.worktrees/fix"),
        ("/v/my.app.worktrees/fix", "/v", "/v/my.app.worktrees/fix"),
        ("/v/my-app.Worktrees/fix", "/v", "/v/my-app.Worktrees/fix"),
        ("/v/sub/my-app.worktrees/fix", "/v", "/v/sub/my-app.worktrees/fix"),
        ("/v/my-app.worktrees/fix", "/v/my-app.worktrees", "/v/my-app.worktrees/fix"),
        ("/v/.worktrees/fix", "/v", "/v/.worktrees/fix"),
    ],
)
def test_worktrees_directories_are_named_after_their_repository(
    cwd: str, prefix: str, root: str
) -> None:
    rule = mapping(prefix, layout="repo_dot_worktrees", project="ignored")
    assert verdict(places=[place(cwd)], mappings=[rule]) == ("resolved", root)


def test_mappings_go_before_the_disk_and_before_the_order_of_roots() -> None:
    disk = FakeDisk(checkouts={"/aa": Checkout("/aa", "h:o/r")})
    places = [place("/zz/a", "/aa/x.jsonl")]
    assert verdict(places=places, disk=disk) == ("resolved", "h/o/r")
    assert verdict(places=places, mappings=[mapping("/zz")], disk=disk) == ("resolved", "/zz")


def test_the_first_root_with_a_mapping_wins_over_a_longer_prefix() -> None:
    places = [place("/zz/a/b/c", "/aa/b/x.jsonl")]
    rules = [mapping("/zz/a/b"), mapping("/aa")]
    assert verdict(places=places, mappings=rules) == ("resolved", "/aa")


def test_a_prefix_with_a_trailing_slash_is_not_its_own_directory() -> None:
    places = [place("/zz", "/aa/x.jsonl")]
    assert verdict(places=places, mappings=[mapping("/zz/")]) == ("resolved", "/aa")
    assert verdict(places=places, mappings=[mapping("/zz")]) == ("resolved", "/zz")


@pytest.mark.parametrize("machine", ["m1", " m1 "])
def test_mappings_hold_for_their_machine(machine: str) -> None:
    rules = [mapping("/v")]
    assert verdict(places=[place("/v/a", machine=machine)], mappings=rules) == ("resolved", "/v")


@pytest.mark.parametrize("machine", ["m2", "M1", ""])
def test_mappings_do_not_hold_for_other_machines(machine: str) -> None:
    rules = [mapping("/v")]
    assert verdict(places=[place("/v/a", machine=machine)], mappings=rules) == ("resolved", "/v/a")


def test_prefix_of_a_mapping_is_resolved_on_the_reading_machine() -> None:
    disk = FakeDisk(links={"/link": "/real"})
    rules = [mapping("/link")]
    assert verdict(places=[place("/link/a")], mappings=rules, disk=disk) == ("resolved", "/real")
