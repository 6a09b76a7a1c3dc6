"""What machine labels stand for, in the three ways in which releases have written them."""

from __future__ import annotations

import pytest

from agentsview_assets.rules.machines import Machine, machines

INSTALLATION = "e8fb97b294ff42f1645926ef5714f85b"
OTHER = "00112233445566778899aabbccddeeff"


@pytest.mark.parametrize(
    ("label", "state", "expected"),
    [
        pytest.param("local", {}, Machine("local", "local", "local", is_own=True), id="0.37"),
        pytest.param(
            "local",
            {"artifact_local_machine_name": "vm"},
            Machine("local", "local", "vm", is_own=True),
            id="0.37, opened by a later release",
        ),
        pytest.param(
            "vm",
            {"artifact_local_machine_name": "vm"},
            Machine("vm", "host", "vm", is_own=True),
            id="0.38 to 0.42",
        ),
        pytest.param(
            "elsewhere",
            {"artifact_local_machine_name": "vm"},
            Machine("elsewhere", "host", "elsewhere", is_own=False),
            id="another host",
        ),
        pytest.param(
            INSTALLATION,
            {
                "artifact_local_installation_id": INSTALLATION,
                f"machine_label:{INSTALLATION}": " vm ",
            },
            Machine(INSTALLATION, "installation", "vm", is_own=True),
            id="0.43 and later",
        ),
        pytest.param(
            OTHER,
            {"artifact_local_installation_id": INSTALLATION, f"machine_label:{OTHER}": ""},
            Machine(OTHER, "installation", OTHER, is_own=False),
            id="an installation without a label",
        ),
        pytest.param("", {}, Machine("", "host", "", is_own=False), id="none"),
    ],
)
def test_a_label(label: str, state: dict[str, str], expected: Machine) -> None:
    assert machines([label], state) == [expected]


def test_each_label_comes_once_and_in_order() -> None:
    assert [found.machine for found in machines(["b", "a", "b"], {})] == ["a", "b"]
