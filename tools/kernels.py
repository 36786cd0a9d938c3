"""The kernel in which the lessons run, and JupyterLab's settings: both lie in ``tools/jupyter``."""

import os
from pathlib import Path

JUPYTER = Path(__file__).with_name("jupyter")


def use():
    """Let what this process starts find the project's kernel, python3, and its settings before any others."""
    for name in ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH"):
        others = [place for place in os.environ.get(name, "").split(os.pathsep) if place not in ("", str(JUPYTER))]
        os.environ[name] = os.pathsep.join([str(JUPYTER), *others])
