"""The command line: options and words, no figures."""

from __future__ import annotations

import os
import sys

from agentsview_assets.ui.safe_path import leave_current_folder

# Before anything else is imported, whichever way the program was started.
leave_current_folder(sys.path, os.environ)
