"""Remote addresses as they may stand in an archive, usable and not, one project label each."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.odd_archives.workbench import Edit, Workbench

REMOTES = (
    "git@github.com:Org/Repo.git",
    "git@GitHub.COM:Org/Repo.git",
    "github.com:Org/Repo.git",
    "user:pass@github.com:Org/Repo.git",
    "https://github.com/Org/Repo",
    "https://github.com/Org/Repo/",
    "https://github.com/Org/Repo.git/",
    "https://github.com/Org/Repo.GIT",
    "https://github.com/Org/Repo.git.git",
    "https://user:token@github.com/Org/Repo.git",
    "https://token@github.com/Org/Repo.git",
    "https://user:p@ss@github.com/Org/Repo",
    "https://user:pa/ss@github.com/Org/Repo",
    "https://us er@github.com/Org/Repo.git",
    "https://us%2zer@github.com/Org/Repo.git",
    "https://github.com:443/Org/Repo.git",
    "http://github.com:8080/Org/Repo.git",
    "https://github.com:/Org/Repo.git",
    "https://github.com:abc/Org/Repo.git",
    "https://github.com:80:80/Org/Repo.git",
    "ssh://git@github.com/Org/Repo.git",
    "ssh://git@github.com:22/Org/Repo.git",
    "ssh://git@github.com:Org/Repo.git",
    "ssh://git@host:1:2/Org/Repo.git",
    "SSH://git@GITHUB.com/Org/Repo.git",
    "HTTPS://GitHub.com/Org/Repo.git",
    "git://github.com/Org/Repo.git",
    "git+ssh://github.com/Org/Repo.git",
    "ftp://github.com/Org/Repo.git",
    "s3://b/k",
    "codecommit://repo",
    "file:///srv/git/Repo.git",
    "FILE:///srv/git/Repo.git",
    "file://host/srv/Repo.git",
    "file:/srv/x",
    "https:github.com/Org/Repo",
    "/srv/git/Repo.git",
    "//server/share/repo.git",
    "\\\\server\\share\\repo.git",
    "./Repo.git",
    "../Repo.git",
    "Repo",
    "~/Repo.git",
    " ",
    "C:\\src\\Repo",
    "c:/src/Repo.git",
    "x:/Repo",
    "C:src\\Repo",
    "D:Repo",
    "xy:/Repo",
    "9:/abc",
    "git@github.com:/Org/Repo.git",
    "git@github.com:22/Org/Repo.git",
    "host:8080:Org/Repo.git",
    "git@github.com:~Org/Repo.git",
    "git@github.com:Org\\Repo.git",
    "https://github.com/Org\\Repo.git",
    "https://github.com/Org%5CRepo.git",
    "https://github.com/Org%2FRepo.git",
    "git@github.com:Org%2FRepo.git",
    "https://github.com/Org%20Name/Repo%2Egit",
    "https://github.com/Org Name/Repo.git",
    "https://github.com/Org/Repo%zz.git",
    "https://github.com/Org//Repo.git",
    "https://github.com/Org/./Repo.git",
    "https://github.com/Org/../Repo.git",
    "https://github.com/../../Repo.git",
    "git@github.com:../Repo.git",
    "https://github.com/a/b/..%2f..%2fc",
    "https://github.com/Org/.git",
    "https://github.com",
    "https://github.com/",
    "https://github.com/.",
    "https://github.com/..",
    "https://github.com/.git",
    "https://github.com//.git",
    "https://github.com/Org/Repo.git?ref=main",
    "https://github.com/Org/Repo.git#frag",
    "https://github.com/Org/Repo.git#fr%zz",
    "git@github.com:Org/Repo.git?ref=main#frag",
    "https://[2001:DB8::1]:8443/Org/Repo.git",
    "ssh://git@[::1]:22/Org/Repo.git",
    "ssh://git@[fe80::1%25eth0]/Org/Repo.git",
    "git@[::1]:Org/Repo.git",
    "https://2001:db8::1/Org/Repo.git",
    "https://[zz]/x",
    "https://[::1/x",
    "https://bücher.example/Org/Repo.git",
    "https://BÜCHER.example/Org/Repo.git",
    "https://b%C3%BCcher.example/Org/Repo.git",
    "https://github.com/Örg/Repo.git",
    "https://github.com./Org/Repo.git",
    "https://git_hub.com/x/y",
    "https://git hub.com/x",
    "https://%zz/x",
    "https://a%41b.example/x",
    "@github.com:Org/Repo.git",
    "a@b@github.com:Org/Repo.git",
    "git@github.com:a@b/Repo.git",
    "git@github.com",
    "git@github.com:",
    "git@github.com/Org/Repo.git",
    "git@:Org/Repo.git",
    ":Org/Repo.git",
    "https:///Org/Repo.git",
    "http://:80/x",
    "host/with/slash:Org/Repo.git",
    "www.github.com/Org/Repo:x",
    "git@ github.com :Org/Repo.git",
    " https://github.com/Org/Repo.git  ",
    "https://github.com/Org/Repo\n",
    "https://github.com/Org/Repo\tx",
    "git@github.com:Org/Repo\tx",
    "org@vs-ssh.visualstudio.com:v3/org/proj/repo",
    "https://dev.azure.com/org/proj/_git/repo",
    "https://gitlab.com/group/sub/repo.git",
    "ext::sh -c foo",
    "\u00a0git@github.com:Org/Repo.git\u2003",
    "git@İSTANBUL.example:Org/Repo.git",
    "https://github.com/Org/Repo\x7f",
    'https://h<o>st.example/x"y',
)


def remote_addresses(bench: Workbench) -> None:
    """Each remote as an observation of its own label; unusable ones fall back on the root."""
    for number, remote in enumerate(REMOTES):
        label = f"remote-{number:03}"
        bench.used(label)
        bench.observe(label, root_path=f"/remotes/{number}", git_remote=remote)


def unusable_remotes_without_root(bench: Workbench) -> None:
    """An unusable remote with an unusable root is no identity, and the sessions decide."""
    for number, remote in enumerate(("/srv/x.git", "ftp://u:p@h/x", " ")):
        label = f"no-root-{number}"
        bench.used(label, cwd=f"/fallback/{number}")
        bench.observe(label, root_path="rel", git_remote=remote)


EDITS: tuple[Edit, ...] = (remote_addresses, unusable_remotes_without_root)
