"""Makes a folder that pip filled fit for a package: `tidy.py MODULES LICENSES`.

METADATA stays: importlib.metadata may be asked for versions.
"""

import shutil
import sys
from pathlib import Path

# Relative to the folder of modules. Nothing imports any of it.
SUPERFLUOUS = (
    "bin",  # commands with the builder's interpreter in them
    "*/tests",
    "*/benchmarks",
    "**/*.pyi",
    "**/*.c",
    "**/README.rst",
    "**/__pycache__",  # compiled at the end, by the interpreter that will run it
    "pymodbus/server/simulator/web",  # pages of a server that is never started
    "*.dist-info/sboms",
    # What pip notes for itself: it does not manage this folder.
    "*.dist-info/INSTALLER",
    "*.dist-info/RECORD",
    "*.dist-info/REQUESTED",
    "*.dist-info/WHEEL",
    "*.dist-info/direct_url.json",
    "*.dist-info/entry_points.txt",
    "*.dist-info/top_level.txt",
    "*.dist-info/zip-safe",
)


def remove(path: Path) -> None:
    """Remove a file, or a folder with everything in it."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def move_licenses(modules: Path, licenses: Path) -> None:
    """One text for each distribution. A distribution without one may not be passed on: that ends the build."""
    licenses.mkdir(parents=True)
    for information in sorted(modules.glob("*.dist-info")):
        name, _, _version = information.name.removesuffix(".dist-info").rpartition("-")
        files = [*sorted(information.glob("LICENSE*")), *sorted(information.glob("licenses/**/*"))]
        texts = [file.read_text("utf-8") for file in files if file.is_file()]
        if not texts:
            sys.exit(f"{information.name} contains no licence; find out under which one it may be passed on.")
        (licenses / f"{name}.txt").write_text("\n\n".join(texts), "utf-8")
        for path in (*information.glob("LICENSE*"), *information.glob("licenses")):
            remove(path)


def drop_shebang(module: Path) -> None:
    """A module in a private folder is no command. An empty comment keeps the numbers of its lines."""
    text = module.read_bytes()
    if text.startswith(b"#!"):
        module.write_bytes(b"#" + text[text.index(b"\n") :])


def main() -> None:
    """Licences first: they stand in folders that lose the rest."""
    modules, licenses = map(Path, sys.argv[1:])
    move_licenses(modules, licenses)
    for pattern in SUPERFLUOUS:
        for path in sorted(modules.glob(pattern)):
            remove(path)
    for folder in sorted(modules.rglob("*/"), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
    for module in modules.rglob("*.py"):
        drop_shebang(module)


main()
