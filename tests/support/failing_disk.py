"""A disk that fails while the daemon runs: the real one, behind a library that says no when it is told to."""

from __future__ import annotations

import errno
import struct
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.daemon import ROOT

SOURCE = ROOT / "tests" / "support" / "failing_disk.c"


def compiled(folder: Path) -> Path:
    """The library, made in this folder."""
    library = folder / "failing_disk.so"
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, SOURCE, "-ldl"],
        check=True,
        capture_output=True,
        text=True,
    )
    return library


@dataclass(frozen=True, slots=True)
class FailingDisk:
    """Holds everything below a folder. `orders` is the file by which the library is told."""

    library: Path
    folder: Path
    orders: Path

    def __post_init__(self) -> None:
        self.work()

    @property
    def environ(self) -> Mapping[str, str]:
        """What a program needs in its environment to stand on this disk."""
        return {
            "LD_PRELOAD": str(self.library),
            "FAILING_DISK": str(self.orders),
            "FAILING_DISK_BELOW": f"{self.folder}/",
        }

    def work(self) -> None:
        """All is well."""
        self._order(0, 0, 0)

    def fail_writes(self) -> None:
        """EIO at each write; files can still be opened."""
        self._order(errno.EIO, errno.EIO, 0)

    def fail_syncs(self) -> None:
        """Writes go on, and EIO at each sync says that they came to nothing."""
        self._order(0, errno.EIO, 0)

    def be_read_only(self) -> None:
        """As remounted by the kernel: nothing is written any more, nor opened for it, made or removed."""
        self._order(errno.EROFS, 0, 1)

    def _order(self, *numbers: int) -> None:
        mode = "r+b" if self.orders.exists() else "wb"
        with self.orders.open(mode) as file:
            file.write(struct.pack("iii", *numbers))
