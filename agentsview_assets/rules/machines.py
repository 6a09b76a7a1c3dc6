"""What machine labels stand for: releases of agentsview have written three kinds of them.

0.37 calls the machine that keeps the archive `local`, 0.38 to 0.42 by its host name, later ones by
an installation id whose label, the host name, is kept apart. Other hosts keep their own keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

LOCAL = "local"
INSTALLATION_KEY = "artifact_local_installation_id"
HOST_NAME_KEY = "artifact_local_machine_name"
LABEL_PREFIX = "machine_label:"
_INSTALLATION = re.compile(r"[0-9a-f]{32}", re.ASCII)


class Machine(NamedTuple):
    """A machine label; the fields are columns of `machines` beside the archive."""

    machine: str
    kind: str
    label: str
    is_own: bool


def machines(found: Iterable[str], state: Mapping[str, str]) -> list[Machine]:
    """Explains the labels that an archive's sessions carry.

    Args:
        found: The labels, in any order.
        state: What the archive knows of machines, by the keys of its sync state.
    """
    labels = {
        key.removeprefix(LABEL_PREFIX): value.strip()
        for key, value in state.items()
        if key.startswith(LABEL_PREFIX) and value.strip()
    }
    installation = state.get(INSTALLATION_KEY, "").strip()
    host = state.get(HOST_NAME_KEY, "").strip()
    return [
        Machine(
            machine,
            _kind(machine, installation),
            labels.get(machine) or (host if machine == LOCAL and host else machine),
            machine == LOCAL or (machine != "" and machine in (installation, host)),
        )
        for machine in sorted(set(found))
    ]


def _kind(machine: str, installation: str) -> str:
    if machine == LOCAL:
        return LOCAL
    is_id = machine == installation or _INSTALLATION.fullmatch(machine) is not None
    return "installation" if is_id and machine else "host"
