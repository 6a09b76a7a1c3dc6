"""Price tables from outside the archive: the embedded fallback and the user's own prices."""

from __future__ import annotations

import json
import math
import tomllib
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

from agentsview_assets.errors import ConfigError
from agentsview_assets.files import trouble
from agentsview_assets.resources.archives.bounded_files import read_small

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from agentsview_assets.rules.pricing import PriceTuple

_CONFIG_NAME = "config.toml"
_PRICES_KEY = "custom_model_pricing"
_RATE_KEYS = ("input", "output", "cache_creation", "cache_read")

# Whole numbers beyond this are not all exact as doubles; agentsview refuses them as well.
_LARGEST_EXACT_INTEGER = 2**53 - 1


class EmbeddedTable(NamedTuple):
    """The price table that ships with the package, for models that no other table prices.

    Attributes:
        version: Name of the snapshot.
        rows: Sorted by pattern; USD per million tokens; no row has an update time.
    """

    version: str
    rows: tuple[PriceTuple, ...]


@lru_cache(maxsize=1)
def embedded_table() -> EmbeddedTable:
    """Return the embedded price table."""
    text = files("agentsview_assets").joinpath("data/litellm_snapshot.json").read_bytes()
    snapshot = json.loads(text)
    rows = (
        (
            row["model_pattern"],
            float(row["input_per_mtok"]),
            float(row["output_per_mtok"]),
            float(row["cache_write_per_mtok"]),
            float(row["cache_read_per_mtok"]),
            None,
        )
        for row in snapshot["rows"]
    )
    return EmbeddedTable(snapshot["version"], tuple(rows))


def all_prices(
    archive_id: str, stored: Iterable[Mapping[str, Any]], config_dir: Path | None
) -> list[tuple[Any, ...]]:
    """Return the prices of all layers that hold for an archive: rows of `model_pricing`.

    Args:
        archive_id: The archive.
        stored: The rows that it holds itself, in column order.
        config_dir: Folder of its `config.toml`; None where there is none.

    Raises:
        ConfigError: Its `config.toml` cannot be used.
    """
    rows = [(archive_id, "stored", *row.values(), None) for row in stored]
    custom = custom_prices(config_dir) if config_dir is not None else ()
    from agentsview_assets.rules.credentials.secrets import clean_name  # noqa: PLC0415 - takes its time

    rows += [(archive_id, "custom", clean_name(row[0]), *row[1:], None) for row in custom]
    # Patterns that differed in a credential alone have become one; the last one counts.
    rows = list({row[1:3]: row for row in rows}.values())
    return [*rows, *embedded_prices(archive_id)]


def embedded_prices(archive_id: str) -> list[tuple[Any, ...]]:
    """Return the embedded price table as rows of `model_pricing` of an archive."""
    embedded = embedded_table()
    return [(archive_id, "embedded", *row, embedded.version) for row in embedded.rows]


def custom_prices(data_dir: Path) -> list[PriceTuple]:
    """Return the user's own prices from `config.toml` in an agentsview data directory.

    Nothing but the prices is looked at: the file also holds a secret.

    Returns:
        Price rows in the order of the file, rates left out being 0; empty without a file.

    Raises:
        ConfigError: The file is unreadable or broken, or a price is not a usable number.
    """
    path = data_dir / _CONFIG_NAME
    prices: dict[str, PriceTuple] = {}
    for name, value in read_config(path).items():
        if name.casefold() != _PRICES_KEY:
            continue
        for pattern, rates in _table(value, name, path).items():
            prices[pattern] = _price_row(pattern, rates, path)
    return list(prices.values())


def read_config(path: Path) -> dict[str, object]:
    """Return what a `config.toml` holds; nothing if there is none.

    Raises:
        ConfigError: The file is unreadable, broken or no plain file of a moderate size.
    """
    try:
        text = read_small(path).decode("utf-8-sig")
        return tomllib.loads(text.replace("\r\n", "\n").replace("\r", "\n"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        msg = f"cannot read {path}: {trouble(error, path)}"
        raise ConfigError(msg) from error
    # The chain is cut on purpose: both errors may carry the file's whole text, secret included.
    except UnicodeDecodeError:
        msg = f"{path} is not UTF-8 text"
        raise ConfigError(msg) from None
    except tomllib.TOMLDecodeError as error:
        msg = f"{path} is not valid TOML: {error.args[0]}"
        raise ConfigError(msg) from None
    except RecursionError:
        msg = f"{path} is not valid TOML: nested too deeply"
        raise ConfigError(msg) from None


def _table(value: object, key: str, path: Path) -> Mapping[str, object]:
    if isinstance(value, dict):
        return value
    msg = f"{path}: {key} must be a table, not {type(value).__name__}"
    raise ConfigError(msg)


def _price_row(pattern: str, value: object, path: Path) -> PriceTuple:
    key = f"{_PRICES_KEY}.{pattern!r}"
    rates = _table(value, key, path)
    # The exact spelling is looked at last, so that it wins over one in other case.
    named = {name.casefold(): name for name in sorted(rates, key=lambda name: name in _RATE_KEYS)}
    input_, output, cache_write, cache_read = (
        _rate(rates[named[name]], f"{key}.{named[name]}", path) if name in named else 0.0
        for name in _RATE_KEYS
    )
    return pattern, input_, output, cache_write, cache_read, None


def _rate(value: object, key: str, path: Path) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        msg = f"{path}: {key} must be a number, not {type(value).__name__}"
        raise ConfigError(msg)
    if isinstance(value, int) and abs(value) > _LARGEST_EXACT_INTEGER:
        msg = f"{path}: {key} is out of the safe range of a number"
        raise ConfigError(msg)
    if not math.isfinite(value):
        msg = f"{path}: {key} is {value}; the pricing digest cannot encode a non-finite number"
        raise ConfigError(msg)
    return float(value)
