"""What a client says that it takes: the name of the type, and whether it may be compressed."""

from __future__ import annotations

JSON = "application/json"
_NAMES = (JSON, "json")


def json_name(accept: str) -> str:
    """The name under which JSON is sent: `json` where a client prefers that.

    Args:
        accept: The header; nothing in it makes an answer fail.
    """
    best, best_weight = JSON, 0.0
    for part in accept.split(","):
        name, _, parameters = part.partition(";")
        weight = _weight(parameters)
        if name.strip() in _NAMES and weight > best_weight:
            best, best_weight = name.strip(), weight
    return best


def _weight(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def takes_gzip(accept_encoding: str) -> bool:
    """Whether the word `gzip` stands in the header, with whatever weight."""
    words = (part.partition(";")[0].strip().lower() for part in accept_encoding.split(","))
    return "gzip" in words
