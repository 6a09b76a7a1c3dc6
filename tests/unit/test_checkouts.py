"""Git working trees on a real file system: roots, pointer files, configurations, remotes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.resources.archives.checkouts import LocalDisk, choose_remote, parse_remotes
from agentsview_assets.rules.disks import Checkout
from agentsview_assets.rules.identities import SessionPlace, resolve_projects

if TYPE_CHECKING:
    from pathlib import Path

ORIGIN = '[remote "origin"]\n\turl = https://u:token@h.com/o/r.git\n'
STORED = "https://h.com/o/r.git"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a directory without symbolic links or a repository above it."""
    return tmp_path.resolve()


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


def repository(directory: Path, config: str = ORIGIN) -> Path:
    write(directory / ".git" / "config", config)
    return directory


def checkout(path: Path | str) -> Checkout | None:
    return LocalDisk().checkout(str(path))


def remote_of(config: str) -> str:
    return choose_remote(parse_remotes(config))


def test_directory_deep_inside_belongs_to_its_checkout(root: Path) -> None:
    deep = repository(root / "repo") / "src" / "pkg"
    deep.mkdir(parents=True)
    expected = Checkout(str(root / "repo"), STORED)
    assert checkout(deep) == expected
    assert checkout(root / "repo") == expected
    assert checkout(f"{root}//repo/./src/nosuch/../pkg/") == expected


def test_nearest_checkout_wins(root: Path) -> None:
    repository(root / "outer")
    inner = repository(root / "outer" / "inner", '[remote "origin"]\nurl = h:inner\n')
    assert checkout(inner) == Checkout(str(inner), "h:inner")


def test_symbolic_link_leads_to_the_checkout_behind_it(root: Path) -> None:
    repository(root / "repo").joinpath("sub").mkdir()
    (root / "link").symlink_to("repo")
    assert checkout(root / "link" / "sub") == Checkout(str(root / "repo"), STORED)


def test_missing_directory_belongs_to_no_checkout(root: Path) -> None:
    repository(root / "repo")
    assert checkout(root / "repo" / "deleted") is None


@pytest.mark.parametrize("path", ["", "rel", ".", "file:///", "C:/x", "h:/x", "/x\0y"])
def test_other_texts_belong_to_no_checkout(path: str) -> None:
    assert checkout(path) is None


def test_linked_worktree_shares_the_remote_and_keeps_its_own_root(root: Path) -> None:
    repository(root / "repo")
    write(root / "repo/.git/worktrees/fix/commondir", "../..\n")
    write(root / "fix" / ".git", f"gitdir: {root}/repo/.git/worktrees/fix\n")
    assert checkout(root / "fix") == Checkout(str(root / "fix"), STORED)


@pytest.mark.parametrize(
    "pointer", ["gitdir: ../store", "gitdir:../store\r\n", "../store\n", " \n gitdir: ../store/ "]
)
def test_pointer_file_may_be_relative_and_bare(root: Path, pointer: str) -> None:
    write(root / "work" / ".git", pointer)
    write(root / "store" / "config", ORIGIN)
    assert checkout(root / "work") == Checkout(str(root / "work"), STORED)


def test_absolute_common_directory(root: Path) -> None:
    write(root / "work" / ".git", "gitdir: ../store")
    write(root / "store" / "commondir", f" {root}/common \n")
    write(root / "store" / "config", '[remote "origin"]\nurl = h:wrong\n')
    write(root / "common" / "config", ORIGIN)
    assert checkout(root / "work") == Checkout(str(root / "work"), STORED)


@pytest.mark.parametrize(
    "pointer", ["", "gitdir: \n", "gitdir: ../nosuch", "GITDIR: ../store", "\0"]
)
def test_pointer_to_nothing_makes_a_checkout_without_remote(root: Path, pointer: str) -> None:
    write(root / "work" / ".git", pointer)
    write(root / "work" / "config", ORIGIN)
    write(root / "store" / "config", ORIGIN)
    assert checkout(root / "work") == Checkout(str(root / "work"), "")


def test_common_directory_of_a_plain_repository_is_not_followed(root: Path) -> None:
    repository(root / "repo")
    write(root / "repo/.git/commondir", "../../other")
    write(root / "other" / "config", '[remote "origin"]\nurl = h:other\n')
    assert checkout(root / "repo") == Checkout(str(root / "repo"), STORED)


def test_repository_without_configuration_has_no_remote(root: Path) -> None:
    (root / "repo" / ".git").mkdir(parents=True)
    assert checkout(root / "repo") == Checkout(str(root / "repo"), "")


def test_linked_git_directory_is_followed(root: Path) -> None:
    write(root / "store" / "config", ORIGIN)
    (root / "repo").mkdir()
    (root / "repo" / ".git").symlink_to("../store")
    assert checkout(root / "repo") == Checkout(str(root / "repo"), STORED)


def test_pipes_and_dangling_links_are_no_repository_and_are_never_read(root: Path) -> None:
    repository(root / "repo")
    for name in ("pipe", "dangling"):
        (root / "repo" / name).mkdir()
    os.mkfifo(root / "repo" / "pipe" / ".git")
    (root / "repo" / "dangling" / ".git").symlink_to("nosuch")
    expected = Checkout(str(root / "repo"), STORED)
    assert checkout(root / "repo" / "pipe") == expected
    assert checkout(root / "repo" / "dangling") == expected
    os.mkfifo(root / "config")
    (root / "repo/.git/config").unlink()
    (root / "repo/.git/config").symlink_to("../../config")
    assert checkout(root / "repo") == Checkout(str(root / "repo"), "")


def test_answers_are_remembered(root: Path) -> None:
    disk = LocalDisk()
    sub = repository(root / "repo") / "sub"
    sub.mkdir()
    before = disk.checkout(str(sub))
    (root / "repo/.git/config").unlink()
    assert disk.checkout(str(root / "repo")) == before
    assert LocalDisk().checkout(str(root / "repo")) != before


@pytest.mark.parametrize("name", ["nosuch", "nosuch/below", "loop", "file/below", "dangling"])
def test_unresolvable_path(root: Path, name: str) -> None:
    (root / "loop").symlink_to("loop")
    (root / "dangling").symlink_to("nowhere")
    (root / "file").touch()
    assert LocalDisk().resolve_symlinks(str(root / name)) is None


def test_resolvable_path(root: Path) -> None:
    (root / "real" / "sub").mkdir(parents=True)
    (root / "link").symlink_to("real")
    assert LocalDisk().resolve_symlinks(str(root / "link/sub")) == str(root / "real/sub")


def test_directories_of_an_automounter_are_left_alone(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "link").symlink_to(root)
    monkeypatch.setattr("agentsview_assets.resources.archives.checkouts._AUTOMOUNTS", (str(root),))
    assert LocalDisk().resolve_symlinks(str(root / "link")) is None


@pytest.mark.parametrize(
    ("config", "remote"),
    [
        ("", ""),
        ("url = h:x", ""),
        ('[remote "origin"]\nurl = h:x', "h:x"),
        ('\t[remote "origin"] \r\n\turl=h:x\r\n', "h:x"),
        ("[remote origin]\nurl = h:x", "h:x"),
        ('[remote  "origin" ]\nurl = h:x', "h:x"),
        ('[[remote "origin"]]\nurl = h:x', "h:x"),
        ('[ remote "origin" ]\nurl = h:x', ""),
        ('[remote\t"origin"]\nurl = h:x', ""),
        ('[Remote "origin"]\nurl = h:x', ""),
        ("[remote.origin]\nurl = h:x", ""),
        ('[remote ""]\nurl = h:x', ""),
        ('[remote "origin"]\nURL = h:x', ""),
        ('[remote "origin"]\npushurl = h:x', ""),
        ('[remote "origin"]\nurl = h:x\nurl = h:y', "h:y"),
        ('[remote "origin"]\n[core]\nurl = h:x', ""),
        ('[remote "origin"]\nurl = h:x\n[remote "other"] # note\nurl = h:y', "h:y"),
        ('[remote "origin"]\nurl = "git@h.com:o/r.git"', 'h.com:o/r.git"'),
        (
            '[remote "origin"]\nurl = https://h.com/o/r.git ; note',
            "https://h.com/o/r.git%20;%20note",
        ),
        ('[remote "origin"]\nurl = https://h.com/o/r # note', "https://h.com/o/r%20"),
        ('[remote "origin"]\nurl = https://h.com/a=b', "https://h.com/a=b"),
        ('[remote "origin"]\nurl = gh:o/r\n[url "https://h.com/"]\ninsteadOf = gh:', "gh:o/r"),
        ('[remote "origin"]\nurl = /srv/x\n[remote "backup"]\nurl = h:b', "h:b"),
        ('[remote "alpha"]\nurl = h:a\n[remote "Zeta"]\nurl = h:z', "h:z"),
        ('[remote "alpha"]\nurl = h:a\n[remote "origin"]\nurl = h:o', "h:o"),
        ('[remote "alpha"]\nurl = ftp://u:p@h/a', ""),
    ],
)
def test_remote_of_a_configuration(config: str, remote: str) -> None:
    assert remote_of(config) == remote


def test_configuration_with_undecodable_bytes(root: Path) -> None:
    repository(root / "repo")
    (root / "repo/.git/config").write_bytes(b'\xff\n[remote "\xfe"]\nurl = h:\xfd\n')
    assert checkout(root / "repo") == Checkout(str(root / "repo"), "h:\udcfd")


def test_sessions_of_one_repository_have_one_identity(root: Path) -> None:
    repository(root / "repo").joinpath("sub").mkdir()
    write(root / "fix" / ".git", f"gitdir: {root}/repo/.git/worktrees/fix")
    write(root / "repo/.git/worktrees/fix/commondir", "../..")
    (root / "link").symlink_to("repo/sub")
    cwds = [root / "repo", root / "repo/sub", root / "fix", root / "link"]
    places = [SessionPlace("p", "elsewhere", str(cwd), "") for cwd in cwds]
    identity = resolve_projects(["p"], [], places, [], LocalDisk())["p"].identity
    assert identity is not None
    assert identity.normalized_remote == "h.com/o/r"
