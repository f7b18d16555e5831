"""A fresh Debian 12 as a folder: made once per checkout by mmdebstrap, then only read."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

from tests import counts

FOLDER = counts.ROOT / "build" / "boot"
"""Ignored by git, removed by `make clean`."""

SUITES = ("bookworm", "bookworm-updates", "bookworm-security")

INSTALLED = ("systemd", "systemd-sysv", "dbus", "udev", "sudo")
"""What a minimal Raspberry Pi OS has beside Debian's essential packages, as far as the tests need it."""

DOWNLOADED = ("mosquitto", "mosquitto-clients")
"""Not installed, but at hand for `apt install` in a machine that has no network."""

USER = "pi"
"""Somebody with sudo, who follows the README."""

NAME = "pi"
"""Host name of the machine, thus the site id unless one is configured."""

DOWNLOAD = "apt-get install --yes --download-only -o APT::Install-Recommends=true"

HOOKS = (
    f'chroot "$1" useradd --create-home --shell /bin/bash --groups sudo {USER}',
    f'echo "{USER} ALL=(ALL) NOPASSWD: ALL" > "$1/etc/sudoers.d/{USER}"',
    f'echo {NAME} > "$1/etc/hostname"',
    f'printf "127.0.0.1 localhost\\n127.0.1.1 {NAME}\\n" > "$1/etc/hosts"',
    # What the package depends on and recommends, as apt would fetch it; only the network is taken out of the install.
    'mkdir "$1/tmp/packages"',
    'cp "$EVGATE_DEB" "$1/tmp/packages/"',
    f'chroot "$1" sh -c "{DOWNLOAD} /tmp/packages/*.deb $EVGATE_DOWNLOADED"',
    'rm -r "$1/tmp/packages"',
    'rm -f "$1/etc/resolv.conf"',
)


def fresh_root(deb: Path) -> Path:
    """The folder; `deb` is not installed in it, but everything that its installation takes is downloaded."""
    sources = _sources()
    options = _apt_options()
    needs = subprocess.run(
        ["dpkg-deb", "--field", deb, "Depends", "Recommends"], capture_output=True, check=True
    ).stdout
    recipe = repr((sources, options, needs, INSTALLED, DOWNLOADED, HOOKS))
    root = FOLDER / f"bookworm-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    if not root.exists():
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        _make(root, sources, options, deb)
    return root


def _make(root: Path, sources: str, options: list[str], deb: Path) -> None:
    print(f"Making a fresh Debian 12 in {root.relative_to(counts.ROOT)}", flush=True)
    unfinished = root.with_suffix(".unfinished")
    result = subprocess.run(
        [
            "mmdebstrap",
            "--variant=minbase",
            f"--include={','.join(INSTALLED)}",
            "--skip=cleanup/apt",
            *(f"--aptopt={option}" for option in ("Acquire::Retries 3;", *options)),
            *(f"--customize-hook={hook}" for hook in HOOKS),
            "bookworm",
            str(unfinished),
            "-",
        ],
        env={**os.environ, "EVGATE_DEB": str(deb), "EVGATE_DOWNLOADED": " ".join(DOWNLOADED)},
        input=sources,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, f"mmdebstrap failed, is the network there?\n{result.stderr[-3000:]}"
    unfinished.rename(root)


def _sources() -> str:
    """Where this machine gets Debian 12 from, as lines of a sources.list."""
    fields = "$(SITE) $(RELEASE) $(COMPONENT)"
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", fields, "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = sorted({f"deb {line}\n" for line in listed.stdout.splitlines() if line.split()[1] in SUITES})
    assert lines, "this machine's apt has no source for bookworm; add one to /etc/apt/sources.list.d and try again"
    return "".join(lines)


def _apt_options() -> list[str]:
    """How this machine reaches its sources: proxies, certificates, a clock that is off."""
    dump = subprocess.run(
        ["apt-config", "dump", "--format", '%f "%v";%n', "Acquire"], capture_output=True, text=True, check=True
    )
    wanted = re.compile(r"Acquire::(https?::.+|Check-Valid-Until|Check-Date) ")
    return [line for line in dump.stdout.splitlines() if wanted.match(line) and '""' not in line]
