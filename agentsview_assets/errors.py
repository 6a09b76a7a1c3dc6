"""The errors that a user can cause or mend; everything else is a defect and keeps its traceback."""

from __future__ import annotations


class AssetsError(Exception):
    """A failure told in one message that names the thing and says what to do.

    Attributes:
        exit_code: Process exit status of the command that meets it.
    """

    exit_code = 1


class ArchiveError(AssetsError):
    """An archive that is missing, damaged, locked or of an unknown shape."""


class WarehouseError(AssetsError):
    """A warehouse that cannot be opened, read or written."""


class ContractError(WarehouseError):
    """A frame that breaks its table contract; nothing of it was written."""


class ConfigError(AssetsError):
    """A setting or configuration file that cannot be used."""


class UsageError(AssetsError):
    """A command line that cannot be understood.

    `materialize` and `status` exit with 2 on it; report commands with 1, as agentsview does.
    """

    exit_code = 2
