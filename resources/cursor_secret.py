"""Secrets that session-export cursors are signed with: agentsview's own, else one of ours.

agentsview keeps its secret in the `config.toml` of an archive's data folder, which is read here and
never written. Where it has none yet, a secret of our own lies in the user's data folder, or in a
file that is named. Neither is ever part of a message.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import tempfile
from pathlib import Path

from agentsview_assets.errors import ConfigError
from agentsview_assets.files import trouble
from agentsview_assets.resources.archives.bounded_files import read_small
from agentsview_assets.resources.archives.price_tables import read_config

SECRET_FILE = "cursor_secret"  # noqa: S105 - a file name
SECRET_BYTES = 32
_CONFIG_KEY = "cursor_secret"
_QUANTUM = 4
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", re.ASCII)
_ILLEGAL = re.compile(r"[^A-Za-z0-9+/]", re.ASCII)


class SecretError(ConfigError):
    """A secret that is there, but cannot be used."""


def archive_secret(folder: Path) -> bytes | None:
    """Return the secret of an archive's data folder, None if it has none.

    Raises:
        ConfigError: Its `config.toml` is unreadable or broken.
        SecretError: The secret in it is not base64.
    """
    path = folder / "config.toml"
    # The exact spelling is looked at last, so that it wins over one in other case.
    config = sorted(read_config(path).items(), key=lambda item: item[0] == _CONFIG_KEY)
    named = [value for name, value in config if name.casefold() == _CONFIG_KEY]
    text = named[-1] if named else ""
    if not isinstance(text, str):
        raise ConfigError(f"{path}: {_CONFIG_KEY} must be a text")
    return _decode(text) if text else None


def own_secret(data_dir: Path, state_dir: Path) -> bytes:
    """Return the secret of the user's data folder, making one on first use.

    Args:
        data_dir: The user's data folder.
        state_dir: Folder of a warehouse's state, where earlier releases kept the secret: it is
            taken over from there, so that cursors stay good.

    Raises:
        SecretError: It cannot be read or written, or is damaged.
    """
    path, earlier = data_dir / SECRET_FILE, state_dir / SECRET_FILE
    try:
        if not path.exists():
            _create(path, _read(earlier) if earlier.exists() else None)
        return _read(path)
    except OSError as error:
        raise SecretError(f"cursor secret {path}: {trouble(error, path)}") from None


def named_secret(path: Path) -> bytes:
    """Return the secret that a file holds, as base64 on a line.

    Raises:
        SecretError: It cannot be read, or is damaged.
    """
    try:
        found = _read(path)
    except OSError as error:
        raise SecretError(f"cursor secret {path}: {trouble(error, path)}") from None
    if not found:
        raise SecretError(f"cursor secret {path}: the file is empty; put a secret in base64 there")
    return found


def _read(path: Path) -> bytes:
    try:
        return _decode(read_small(path).decode("ascii").strip())
    except UnicodeDecodeError:
        raise SecretError(f"cursor secret {path}: damaged; remove it") from None


def _create(path: Path, secret: bytes | None) -> None:
    """Write the file aside and move it, so that nobody reads half of it; the first one stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = base64.b64encode(secret or secrets.token_bytes(SECRET_BYTES))
    descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{SECRET_FILE}-")  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text + b"\n")
        try:
            os.link(aside, path)
        except FileExistsError:
            return
    finally:
        Path(aside).unlink()


def _decode(text: str) -> bytes:
    """Decode padded base64, line ends left out.

    Raises:
        SecretError: At the first byte that cannot be right, in agentsview's words.
    """
    places = [place for place, char in enumerate(text) if char not in "\r\n"]
    bare = "".join(text[place] for place in places)
    if _BASE64.fullmatch(bare):
        return base64.b64decode(bare)
    place = _first_illegal(bare)
    if place is None:  # it ends too early; line ends count in how far back its last piece began
        at = len(text) - len(bare) % _QUANTUM
    else:
        at = places[place] if place < len(places) else len(text)
    raise SecretError(f"invalid cursor secret: illegal base64 data at input byte {at}")


def _first_illegal(bare: str) -> int | None:
    """Return the place that agentsview's decoder objects to, None if something is missing."""
    found = _ILLEGAL.search(bare)
    if found is None:
        return None
    at = found.start()
    within, rest = at % _QUANTUM, bare[at + 1 :]
    if bare[at] != "=" or within < _QUANTUM - 2:
        return at
    if within == _QUANTUM - 1:
        return at + 1
    if not rest:
        return at + 1
    return at + 2 if rest.startswith("=") else at
