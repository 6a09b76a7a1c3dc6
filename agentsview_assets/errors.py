"""The errors that a user can cause or mend; everything else is a defect and keeps its traceback."""

from __future__ import annotations

import errno


class AssetsError(Exception):
    """A failure told in one message that names the thing and says what to do.

    Attributes:
        exit_code: Process exit status of the command that meets it.
        unread: Archives that could not be read, each with the reason, where that is the failure.
    """

    exit_code = 1
    unread: tuple[tuple[str, str], ...] = ()


class ArchiveError(AssetsError):
    """An archive that is missing, damaged, locked or of an unknown shape."""


class WarehouseError(AssetsError):
    """A warehouse that cannot be opened, read or written."""


class OutdatedError(WarehouseError):
    """A warehouse that a newer release of ours has written; this one is to be upgraded."""


class ChoiceError(WarehouseError):
    """An archive that a warehouse does not hold, or none named where it holds several."""


class TimedOutError(WarehouseError):
    """A question to a warehouse that took longer than it may."""

    def __init__(self, seconds: float) -> None:
        """Says how long it might have taken."""
        super().__init__(f"not answered within {seconds:g} s; ask for less at once")


class CheckError(WarehouseError):
    """A blocking check found numbers that are wrong."""


class ContractError(WarehouseError):
    """A frame that breaks its table contract; nothing of it was written."""


class HeldBackError(AssetsError):
    """Rows of an archive that cannot be read; everything else was made."""


class ConfigError(AssetsError):
    """A setting or configuration file that cannot be used."""


class UsageError(AssetsError):
    """A command line that cannot be understood.

    `materialize` and `status` exit with 2 on it; report commands with 1, as agentsview does.
    """

    exit_code = 2


class UnwritableNumberError(AssetsError, ValueError):
    """A figure that JSON has no text for, such as an infinite reported cost."""

    def __init__(self, number: float) -> None:
        """Say it in agentsview's words."""
        shown = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}
        super().__init__(f"json: unsupported value: {shown[repr(float(number))]}")


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FULL_WORDS = ("no space left", "disk is full", "disk full", "file too large", "quota exceeded")
DISK_FULL = (
    "the disk is full; what was being written was taken back. Free some space and run this again"
)


def is_disk_full(error: BaseException) -> bool:
    """Whether an error, whoever raised it, says that there is no room to write."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return True
    text = str(error).lower()
    return any(words in text for words in _FULL_WORDS)
