"""The package once more, as a later version would come."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path


def version_of(package: Path) -> str:
    """What dpkg will call it."""
    asked = subprocess.run(["dpkg-deb", "--field", package, "Version"], capture_output=True, text=True, check=True)
    return asked.stdout.strip()


def newer(package: Path, folder: Path) -> Path:
    """The same content under the next version."""
    tree = folder / "tree"
    subprocess.run(["dpkg-deb", "--raw-extract", package, tree], check=True)
    control = tree / "DEBIAN" / "control"
    version = f"{version_of(package)}+next"
    control.write_text(re.sub(r"(?m)^Version: .*$", f"Version: {version}", control.read_text()))
    result = folder / f"evgate_{version}_amd64.deb"
    # Fast, not small: it is installed once and thrown away.
    build = ["dpkg-deb", "-Zgzip", "-z1", "--root-owner-group", "--build", str(tree), str(result)]
    subprocess.run(build, check=True, capture_output=True)
    return result
