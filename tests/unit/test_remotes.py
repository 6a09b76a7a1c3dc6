"""Git remotes: the portable name of a repository, and the form that is safe to store."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agentsview_assets.rules.remotes import (
    normalize_remote,
    portable_remote,
    presentable_remote,
    sanitize_remote,
)
from agentsview_assets.rules.text import trim

ORG_REPO = "github.com/Org/Repo"

SCP_FORMS = [
    ("git@github.com:Org/Repo.git", ORG_REPO, "github.com:Org/Repo.git"),
    ("git@GitHub.COM:Org/Repo.git", ORG_REPO, "GitHub.COM:Org/Repo.git"),
    ("github.com:Org/Repo.git", ORG_REPO, "github.com:Org/Repo.git"),
    ("user:pass@github.com:Org/Repo.git", ORG_REPO, "github.com:Org/Repo.git"),
    ("git@github.com:/Org/Repo.git", ORG_REPO, "github.com:/Org/Repo.git"),
    ("git@github.com:22/Org/Repo.git", "github.com/22/Org/Repo", "github.com:22/Org/Repo.git"),
    ("host:8080:Org/Repo.git", "host/8080:Org/Repo", "host:8080:Org/Repo.git"),
    ("git@github.com:~Org/Repo.git", "github.com/~Org/Repo", "github.com:~Org/Repo.git"),
    ("git@github.com:Org\\Repo.git", ORG_REPO, "github.com:Org\\Repo.git"),
    ("git@github.com:Org%2FRepo.git", "github.com/Org%2FRepo", "github.com:Org%2FRepo.git"),
    ("git@github.com:../Repo.git", "github.com/Repo", "github.com:../Repo.git"),
    (
        "git@github.com:Org/Repo.git?ref=main#frag",
        "github.com/Org/Repo.git?ref=main#frag",
        "github.com:Org/Repo.git?ref=main#frag",
    ),
    ("git@[::1]:Org/Repo.git", "[/:1]:Org/Repo", "[::1]:Org/Repo.git"),
    ("@github.com:Org/Repo.git", ORG_REPO, "github.com:Org/Repo.git"),
    ("a@b@github.com:Org/Repo.git", ORG_REPO, "github.com:Org/Repo.git"),
    (
        "host/with/slash:Org/Repo.git",
        "host/with/slash/Org/Repo",
        "host/with/slash:Org/Repo.git",
    ),
    ("www.github.com/Org/Repo:x", "www.github.com/org/repo/x", "www.github.com/Org/Repo:x"),
    ("git@ github.com :Org/Repo.git", ORG_REPO, " github.com :Org/Repo.git"),
    ("git@github.com:Org/Repo\tx", "github.com/Org/Repo\tx", "github.com:Org/Repo\tx"),
    (
        "org@vs-ssh.visualstudio.com:v3/org/proj/repo",
        "vs-ssh.visualstudio.com/v3/org/proj/repo",
        "vs-ssh.visualstudio.com:v3/org/proj/repo",
    ),
    ("ext::sh -c foo", "ext/:sh -c foo", "ext::sh -c foo"),
    ("file:/srv/x", "file/srv/x", "file:/srv/x"),
    ("https:github.com/Org/Repo", "https/github.com/Org/Repo", "https:github.com/Org/Repo"),
    ("C:src\\Repo", "c/src/Repo", "C:src\\Repo"),
    ("D:Repo", "d/Repo", "D:Repo"),
    ("xy:/Repo", "xy/Repo", "xy:/Repo"),
    ("9:/abc", "9/abc", "9:/abc"),
]

KEPT_URLS = [
    ("https://github.com/Org/Repo", ORG_REPO),
    ("https://github.com/Org/Repo.git", ORG_REPO),
    ("https://github.com/Org/Repo/", ORG_REPO),
    ("https://github.com/Org/Repo.git/", ORG_REPO),
    ("https://github.com/Org/Repo.GIT", "github.com/Org/Repo.GIT"),
    ("https://github.com/Org/Repo.git.git", "github.com/Org/Repo.git"),
    ("https://user:12/34@github.com/Org/Repo", "user/34@github.com/Org/Repo"),
    ("https://github.com:443/Org/Repo.git", ORG_REPO),
    ("http://github.com:8080/Org/Repo.git", ORG_REPO),
    ("https://github.com:/Org/Repo.git", ORG_REPO),
    ("git://github.com/Org/Repo.git", ORG_REPO),
    ("https://github.com/Org%5CRepo.git", ORG_REPO),
    ("https://github.com/Org%2FRepo.git", ORG_REPO),
    ("https://github.com/Org%20Name/Repo%2Egit", "github.com/Org Name/Repo"),
    ("https://github.com/Org//Repo.git", ORG_REPO),
    ("https://github.com/Org/./Repo.git", ORG_REPO),
    ("https://github.com/Org/../Repo.git", "github.com/Repo"),
    ("https://github.com/../../Repo.git", "github.com/Repo"),
    ("https://github.com/a/b/..%2f..%2fc", "github.com/c"),
    ("https://github.com/Org/.git", "github.com/Org"),
    ("https://[2001:DB8::1]:8443/Org/Repo.git", "2001:db8::1/Org/Repo"),
    ("https://github.com./Org/Repo.git", "github.com./Org/Repo"),
    ("https://git_hub.com/x/y", "git_hub.com/x/y"),
    ("https://dev.azure.com/org/proj/_git/repo", "dev.azure.com/org/proj/_git/repo"),
    ("https://gitlab.com/group/sub/repo.git", "gitlab.com/group/sub/repo"),
]

REWRITTEN_URLS = [
    ("https://user:token@github.com/Org/Repo.git", ORG_REPO, "https://github.com/Org/Repo.git"),
    ("https://token@github.com/Org/Repo.git", ORG_REPO, "https://github.com/Org/Repo.git"),
    ("https://user:p@ss@github.com/Org/Repo", ORG_REPO, "https://github.com/Org/Repo"),
    ("ssh://git@github.com/Org/Repo.git", ORG_REPO, "ssh://github.com/Org/Repo.git"),
    ("ssh://git@github.com:22/Org/Repo.git", ORG_REPO, "ssh://github.com:22/Org/Repo.git"),
    ("SSH://git@GITHUB.com/Org/Repo.git", ORG_REPO, "ssh://GITHUB.com/Org/Repo.git"),
    ("HTTPS://GitHub.com/Org/Repo.git", ORG_REPO, "https://GitHub.com/Org/Repo.git"),
    ("https://github.com/Org\\Repo.git", ORG_REPO, "https://github.com/Org%5CRepo.git"),
    (
        "https://github.com/Org Name/Repo.git",
        "github.com/Org Name/Repo",
        "https://github.com/Org%20Name/Repo.git",
    ),
    ("https://github.com/Org/Repo.git?ref=main", ORG_REPO, "https://github.com/Org/Repo.git"),
    ("https://github.com/Org/Repo.git#frag", ORG_REPO, "https://github.com/Org/Repo.git"),
    ("ssh://git@[::1]:22/Org/Repo.git", "::1/Org/Repo", "ssh://[::1]:22/Org/Repo.git"),
    (
        "ssh://git@[fe80::1%25eth0]/Org/Repo.git",
        "fe80::1%eth0/Org/Repo",
        "ssh://[fe80::1%25eth0]/Org/Repo.git",
    ),
    (
        "https://bücher.example/Org/Repo.git",
        "bücher.example/Org/Repo",
        "https://b%C3%BCcher.example/Org/Repo.git",
    ),
    (
        "https://BÜCHER.example/Org/Repo.git",
        "bücher.example/Org/Repo",
        "https://B%C3%9CCHER.example/Org/Repo.git",
    ),
    (
        "https://github.com/Örg/Repo.git",
        "github.com/Örg/Repo",
        "https://github.com/%C3%96rg/Repo.git",
    ),
    (" https://github.com/Org/Repo.git  \n", ORG_REPO, "https://github.com/Org/Repo.git"),
    # An odd byte makes the whole path be written anew: an escaped separator becomes one.
    ("https://h.com/a%2Fb|c", "h.com/a/b|c", "https://h.com/a/b%7Cc"),
    # `ssh` and `git` tolerate extra colons; what follows the last one is the port.
    ("ssh://a:b:22/o/r", "a:b/o/r", "ssh://a:b:22/o/r"),
]

LOCAL_PATHS = [
    "",
    " \t\n",
    "/srv/git/Repo.git",
    "//server/share/repo.git",
    "\\\\server\\share\\repo.git",
    "./Repo.git",
    "../Repo.git",
    "Repo",
    "~/Repo.git",
    "C:\\src\\Repo",
    "C:/src/Repo",
    "c:/src/Repo.git",
    "x:/Repo",
    "file:///srv/git/Repo.git",
    "FILE:///srv/git/Repo.git",
    "file://host/srv/Repo.git",
]

UNUSABLE_URLS = [
    "https://user:pa/ss@github.com/Org/Repo",
    "https://us er@github.com/Org/Repo.git",
    "https://%zz@github.com/Org/Repo.git",
    "https://github.com:abc/Org/Repo.git",
    "https://github.com:80:80/Org/Repo.git",
    "ssh://git@github.com:Org/Repo.git",
    "git+ssh://git@github.com/Org/Repo.git",
    "ssh+git://git@github.com/Org/Repo.git",
    "ftp://github.com/Org/Repo.git",
    "rsync://github.com/Org/Repo.git",
    "s3://b/k",
    "codecommit://repo",
    "https://github.com/Org/Repo%zz.git",
    "https://github.com/Org/Repo#%zz",
    "https://github.com",
    "https://github.com/",
    "https://github.com/.",
    "https://github.com/..",
    "https://github.com/.git",
    "https://github.com//.git",
    "https://github.com/..git",
    "https://2001:db8::1/Org/Repo.git",
    "https://[zz]/x",
    "https://[::1/x",
    "https://[1.2.3.4]/x",
    "https://[fe80::1%25]/x",
    "https://[fe80::1%eth0]/x",
    "https://[fe80::1%25%C3%BC]/x",
    "https://a[::1]/x",
    "https://git hub.com/x",
    "https://%zz/x",
    "https://a%20b/x",
    "https:///Org/Repo.git",
    "http://:80/x",
    "https://github.com/Org/Repo\tx",
    "://github.com/Org/Repo",
    "https:/github.com/x://y",
]

UNUSABLE_SCP_FORMS = [
    "git@github.com:a@b/Repo.git",
    "git@github.com",
    "git@github.com:",
    "git@github.com/Org/Repo.git",
    "git@:Org/Repo.git",
    ":Org/Repo.git",
]

ANY_TEXT = st.one_of(
    st.text(),
    st.text(alphabet="abH./\\:@%25#?[] ~\t-"),
    st.builds(
        "".join,
        st.tuples(
            st.sampled_from(["https://", "ssh://", "GIT://", "ftp://", ""]),
            st.sampled_from(["", "u:p@", "u@", "%41@", "a b@"]),
            st.sampled_from(["h.com", "[::1]", "[fe80::1%25x]", "H:22", "b%C3%BC", ""]),
            st.sampled_from(["/", ":", ""]),
            st.text(alphabet="ab/.%2F\\?# |git", max_size=12),
        ),
    ),
)
WORD = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=8)
SECRET = st.from_regex(r"secret-[a-z0-9]{4,10}", fullmatch=True)


@pytest.mark.parametrize(("raw", "name", "stored"), SCP_FORMS + REWRITTEN_URLS)
def test_remote_has_a_portable_name_and_a_stored_form(raw: str, name: str, stored: str) -> None:
    assert normalize_remote(raw) == name
    assert sanitize_remote(raw) == stored


@pytest.mark.parametrize(("url", "name"), KEPT_URLS)
def test_clean_url_is_stored_verbatim(url: str, name: str) -> None:
    assert normalize_remote(url) == name
    assert sanitize_remote(url) == url


@pytest.mark.parametrize("raw", LOCAL_PATHS + UNUSABLE_URLS + UNUSABLE_SCP_FORMS)
def test_unusable_remote_has_no_name_and_nothing_of_it_is_stored(raw: str) -> None:
    assert normalize_remote(raw) is None
    assert sanitize_remote(raw) == ""


def test_zone_of_an_ipv6_host_is_written_with_an_escaped_percent_sign() -> None:
    url = "https://[fe80::1%25a%20b]/o/r"
    assert normalize_remote(url) == "fe80::1%a b/o/r"
    assert sanitize_remote(url) == "https://[fe80::1%25a%20b]/o/r"


def test_host_is_lower_cased_character_by_character() -> None:
    # No special form for a final sigma, and a dotted capital I becomes one letter.
    assert normalize_remote("ΟΔΟΣ.gr:x") == "οδοσ.gr/x"
    assert normalize_remote("İ.com:x") == "i.com/x"


def test_undecodable_bytes_stay_apart_in_paths_and_are_replaced_in_hosts() -> None:
    assert normalize_remote("https://h/%ff") == "h/\udcff"
    assert normalize_remote("https://h/%fe") == "h/\udcfe"
    assert normalize_remote("https://h%ff/x") == "h\ufffd/x"


def test_information_separators_are_no_white_space() -> None:
    assert normalize_remote("h:x\x1f") == "h/x\x1f"
    assert normalize_remote("\u3000h:x\u2003") == "h/x"


@given(ANY_TEXT)
@example("git@ h :x")
@example("https://h/a%2Fb|c%252F")
def test_stored_form_keeps_the_name_and_settles_after_two_rounds(raw: str) -> None:
    stored = sanitize_remote(raw)
    if stored:
        assert normalize_remote(stored) == normalize_remote(raw) is not None
    # Only the spaces around an scp host behind a user can be left for the second round.
    settled = sanitize_remote(stored)
    assert settled == trim(stored)
    assert sanitize_remote(settled) == settled


def test_remote_that_would_read_as_a_drive_path_is_not_stored() -> None:
    assert normalize_remote("git@C:/Org/Repo") == "c/Org/Repo"
    assert sanitize_remote("git@C:/Org/Repo") == ""


@given(ANY_TEXT)
def test_name_of_a_url_is_a_host_and_a_shortened_path(raw: str) -> None:
    # The host of an scp form may hold slashes itself.
    name = normalize_remote(raw) if "://" in raw else None
    if name is not None:
        host, _, path = name.partition("/")
        assert host
        assert path == path.strip("/") != ""
        assert "//" not in path


@given(
    scheme=st.sampled_from(["https", "http", "ssh", "git"]),
    user=SECRET,
    password=SECRET,
    host=WORD,
    path=st.lists(WORD, min_size=1, max_size=3),
)
def test_no_credential_of_a_well_formed_url_comes_out(
    scheme: str, user: str, password: str, host: str, path: list[str]
) -> None:
    location = f"{host}/{'/'.join(path)}"
    raw = f"{scheme}://{user}:{password}@{location}?token={password}#{password}"
    assert normalize_remote(raw) == location
    assert sanitize_remote(raw) == f"{scheme}://{location}"


@given(user=SECRET, password=SECRET, host=WORD, path=WORD)
def test_no_credential_of_an_scp_form_comes_out(
    user: str, password: str, host: str, path: str
) -> None:
    raw = f"{user}:{password}@{host}x:{path}"
    assert normalize_remote(raw) == f"{host}x/{path}"
    assert sanitize_remote(raw) == f"{host}x:{path}"


class TestPresentableRemotes:
    """What of a remote may be kept: enough to name the repository, never a credential."""

    @given(ANY_TEXT)
    def test_names_the_same_repository(self, raw):
        kept = presentable_remote(raw)
        assert normalize_remote(kept) == portable_remote(raw) or kept == "?"
        assert bool(kept) == bool(raw)

    @pytest.mark.parametrize(
        ("raw", "kept"),
        [
            ("https://bob:hunter2@github.com/Org/Repo.git", "https://github.com/Org/Repo.git"),
            ("git@github.com:Org/Repo.git", "github.com:Org/Repo.git"),
            ("git@C:/x", "ssh://c/x"),
            ("ftp://bob:hunter2@h/x", "?"),
            ("/srv/git/Repo.git", "?"),
            (" ", "?"),
            ("", ""),
        ],
    )
    def test_keeps_no_credential(self, raw, kept):
        assert presentable_remote(raw) == kept
