"""The secret of cursors: agentsview's when there is one, else one of our own, never printed."""

from __future__ import annotations

import base64
import stat
from typing import TYPE_CHECKING

import pytest

from agentsview_assets.errors import ConfigError
from agentsview_assets.resources.cursor_secret import (
    SECRET_FILE,
    SecretError,
    archive_secret,
    named_secret,
    own_secret,
)

if TYPE_CHECKING:
    from pathlib import Path

KEY = b"a key of any length"
TEXT = base64.b64encode(KEY).decode()


def config(folder: Path, text: str) -> Path:
    (folder / "config.toml").write_text(text, encoding="utf-8")
    return folder


def test_the_archives_secret_is_the_decoded_text(tmp_path: Path) -> None:
    assert archive_secret(config(tmp_path, f'cursor_secret = "{TEXT}"')) == KEY
    assert archive_secret(config(tmp_path, f'Cursor_Secret = "{TEXT}"')) == KEY
    both = f'CURSOR_SECRET = "AAAA"\ncursor_secret = "{TEXT}"'
    assert archive_secret(config(tmp_path, both)) == KEY


@pytest.mark.parametrize("text", ["", 'cursor_secret = ""', "other = 1"])
def test_an_archive_may_have_none(tmp_path: Path, text: str) -> None:
    assert archive_secret(config(tmp_path, text)) is None
    assert archive_secret(tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    ("text", "place"),
    [
        *(("!AAA", 0), ("AA!A", 2), ("A", 0), ("AAA", 0), ("AAAAA", 4), ("=AAA", 0), ("A=AA", 1)),
        *(("AA=", 3), ("AA=A", 2), ("AA==A", 4), ("AAA=A", 4), ("AAAA=", 4), ("AA-_", 2)),
        *(("A\\nAAA!", 5), ("AAAA\\n=", 5), ("é===", 0), ("AAA\\n", 1)),
    ],
)
def test_damage_is_told_by_its_place(tmp_path: Path, text: str, place: int) -> None:
    with pytest.raises(SecretError) as caught:
        archive_secret(config(tmp_path, f'cursor_secret = "{text}"'))
    expected = f"invalid cursor secret: illegal base64 data at input byte {place}"
    assert str(caught.value) == expected


@pytest.mark.parametrize("text", ["cursor_secret = 5", "cursor_secret = [", "\udcff"])
def test_a_broken_file_is_told_without_its_text(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.toml").write_bytes(
        f'secret = "{TEXT}"\n{text}\n'.encode("utf-8", "surrogateescape")
    )
    with pytest.raises(ConfigError) as caught:
        archive_secret(tmp_path)
    assert not isinstance(caught.value, SecretError)
    assert TEXT not in str(caught.value)


def test_our_own_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    own, state = tmp_path / "own", tmp_path / "state"
    key = own_secret(own, state)
    assert len(key) == 32
    assert own_secret(own, state) == key
    assert own_secret(tmp_path / "other", state) != key
    assert stat.S_IMODE((own / SECRET_FILE).stat().st_mode) == 0o600
    assert [path.name for path in own.iterdir()] == [SECRET_FILE]
    assert not state.exists()


def test_one_that_an_earlier_release_made_beside_a_warehouse_is_taken_over(tmp_path: Path) -> None:
    own, state = tmp_path / "own", tmp_path / "state"
    state.mkdir()
    (state / SECRET_FILE).write_text(f"{TEXT}\n", encoding="ascii")
    assert own_secret(own, state) == KEY
    (state / SECRET_FILE).unlink()
    assert own_secret(own, state) == KEY


def test_a_file_may_be_named_for_several_machines_to_share(tmp_path: Path) -> None:
    file = tmp_path / "shared"
    with pytest.raises(SecretError, match="shared"):
        named_secret(file)
    file.write_text("", encoding="ascii")
    with pytest.raises(SecretError, match="is empty"):
        named_secret(file)
    file.write_text(f"{TEXT}\n", encoding="ascii")
    assert named_secret(file) == KEY


def test_our_own_may_be_out_of_reach(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file", encoding="utf-8")
    with pytest.raises(SecretError, match="cursor_secret"):
        own_secret(tmp_path / "state", tmp_path / "nowhere")
    (tmp_path / SECRET_FILE).write_bytes(b"\xff")
    with pytest.raises(SecretError, match="damaged"):
        own_secret(tmp_path, tmp_path / "nowhere")
