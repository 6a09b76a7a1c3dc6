"""Contract of recomputed project identities."""

from __future__ import annotations

from agentsview_assets.schemas.contract import TableContract
from agentsview_assets.schemas.fields import SHA256_KEY, TableModel, flag, text
from agentsview_assets.schemas.observations import ARCHIVE_ID


class ProjectIdentities(TableModel):
    """A project label and the one repository or folder that it stands for, if there is one."""

    archive_id: str = text(ARCHIVE_ID)
    project: str = text("Project label")
    resolution: str = text(
        "Whether the label has exactly one identity", closed=("resolved", "unknown", "ambiguous")
    )
    key: str = text("Stable key, equal on every machine", nullable=True, pattern=SHA256_KEY)
    key_source: str = text(
        "What the key was made of", nullable=True, closed=("git_remote", "root_path")
    )
    normalized_remote: str = text("host/path of the remote, no credentials", nullable=True)
    root_path: str = text("Folder, where there is no remote", nullable=True)
    machine_local: bool = flag("The key holds on one machine only")


PROJECT_IDENTITIES = TableContract(
    name="project_identities",
    group="identities",
    description="A project label with its recomputed key: the same repository on every machine.",
    model=ProjectIdentities,
    key=("archive_id", "project"),
)
