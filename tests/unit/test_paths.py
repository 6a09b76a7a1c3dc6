"""Root paths: lexical cleaning, normalisation, containment, and what counts as white space."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agentsview_assets.rules.paths import (
    clean_path,
    file_directory,
    is_drive_path,
    is_within,
    normalize_root,
)
from agentsview_assets.rules.text import displayable, from_bytes, to_bytes, trim

PATHS = st.text(alphabet="ab./\\:~C ")

# /srv/link leads to /srv/real, which has a directory sub.
LINKS = {"/srv/link/sub": "/srv/real/sub", "/srv/link": "/srv/real", "/srv/real": "/srv/real"}


def normalize(raw: str) -> str | None:
    return normalize_root(raw, LINKS.get)


@pytest.mark.parametrize(
    ("raw", "normalized"),
    [
        ("/home/me/proj/", "/home/me/proj"),
        ("/home/me//proj/./x/../", "/home/me/proj"),
        ("/", "/"),
        ("//", "/"),
        ("//server/share/x", "/server/share/x"),
        ("/a/../../b", "/b"),
        ("/a\\b\\..\\c", "/a/c"),
        ("  /a/b  ", "/a/b"),
        ("/a/b\n", "/a/b"),
        ("/A/B", "/A/B"),
        ("/a:b/c", "/a:b/c"),
        ("/home/mé/x", "/home/mé/x"),
        ("C:\\Users\\Me\\proj", "C:/Users/Me/proj"),
        ("c:/Users/Me/proj/", "C:/Users/Me/proj"),
        ("C:\\", "C:/"),
        ("C:/", "C:/"),
        ("c:\\a\\..\\..\\b", "C:/b"),
        ("C:\\\\a\\\\b", "C:/a/b"),
        ("/srv/link/sub", "/srv/real/sub"),
        ("/srv/link/nosuch", "/srv/link/nosuch"),
        ("/srv/link/../x", "/srv/x"),
    ],
)
def test_absolute_path_is_normalised(raw: str, normalized: str) -> None:
    assert normalize(raw) == normalized


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " ",
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
        ":/x",
        "a/b",
        "./a",
        "../a",
        "~",
        "~/a",
        ".",
    ],
)
def test_other_text_is_no_root_path(raw: str) -> None:
    assert normalize(raw) is None


@given(st.text(alphabet="ab./\\:~C"))
def test_normalising_twice_changes_nothing(raw: str) -> None:
    root = normalize_root(raw, lambda _: None)
    if root is not None:
        assert normalize_root(root, lambda _: None) == root


@given(PATHS)
def test_symbolic_links_are_resolved_after_cleaning(raw: str) -> None:
    cleaned = normalize_root(raw, lambda _: None)
    resolved = normalize_root(raw, lambda path: f"resolved {path}")
    assert resolved == (None if cleaned is None else f"resolved {cleaned}")


@pytest.mark.parametrize(
    ("path", "cleaned"),
    [
        ("", "."),
        (".", "."),
        ("/", "/"),
        ("//a", "/a"),
        ("a/..", "."),
        ("a/../..", ".."),
        ("../../a", "../../a"),
        ("../a/../..", "../.."),
        ("/..", "/"),
        ("/../a/", "/a"),
        ("a//b/./c/", "a/b/c"),
    ],
)
def test_clean_path(path: str, cleaned: str) -> None:
    assert clean_path(path) == cleaned


@given(st.text(alphabet="ab./"))
def test_clean_path_is_posix_normalisation_without_double_root(path: str) -> None:
    assume(not path.startswith("//") or path.startswith("///"))
    assert clean_path(path) == posixpath.normpath(path)


@pytest.mark.parametrize(
    ("path", "root", "within"),
    [
        ("/a", "/a", True),
        ("/a/b", "/a", True),
        ("/ab", "/a", False),
        ("/a", "/a/b", False),
        ("/a", "/", True),
        ("/", "/", True),
        ("/A/b", "/a", False),
    ],
)
def test_containment_goes_by_whole_components(path: str, root: str, *, within: bool) -> None:
    assert is_within(path, root) is within


@pytest.mark.parametrize(
    ("file_path", "directory"),
    [
        ("/a/state.db#123", "/a"),
        ("/q#x/y.db#z/w", "/q#x/y.db#z"),
        ("s3://b/x.jsonl", "s3:/b"),
        ("/x/y://z/f.jsonl", "/x/y:/z"),
        ("C:\\a\\b.jsonl", "."),
        ("C:/a/b.jsonl", "C:/a"),
        ("/p\\q\\r.jsonl", "/"),
        ("x.jsonl", "."),
        ("", "."),
        ("/x", "/"),
        ("/a/b/", "/a/b"),
        ("/a//b/../c/d", "/a/c"),
    ],
)
def test_directory_of_a_file(file_path: str, directory: str) -> None:
    assert file_directory(file_path) == directory


def test_drive_paths_need_an_ascii_letter_and_a_separator() -> None:
    assert is_drive_path("C:\\")
    assert is_drive_path("z:/x")
    assert not is_drive_path("C:x")
    assert not is_drive_path("é:/x")


@pytest.mark.parametrize(
    "space", "\t\n\v\f\r \x85\xa0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000"
)
def test_unicode_white_space_is_trimmed(space: str) -> None:
    assert trim(f"{space}a{space}b{space}") == f"a{space}b"


@pytest.mark.parametrize("character", "\x1c\x1d\x1e\x1f\u200b\ufeff\u180e")
def test_other_invisible_characters_are_not_trimmed(character: str) -> None:
    assert trim(character) == character


@given(st.binary())
def test_undecodable_bytes_survive_a_round_trip(data: bytes) -> None:
    assert to_bytes(from_bytes(data)) == data
    displayable(from_bytes(data)).encode("utf-8")


def test_each_undecodable_byte_is_displayed_as_one_replacement_character() -> None:
    assert displayable(from_bytes(b"a\xe2\x82b\xff")) == "a\ufffd\ufffdb\ufffd"
