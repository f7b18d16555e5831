"""The house rules that a machine can check, and the proof that each check can fail."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.counts import ROOT

PACKAGE = ROOT / "gateway"
SOURCES = sorted(PACKAGE.rglob("*.py"))
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
NAMES = {contract["id"]: contract["name"] for contract in CONTRACTS}
MAX_LINES = 400

# (contract, module it is planted in, import that must be reported). A missing module is made.
PLANTS = [
    ("layers", "core/planted.py", "gateway.runtime.ports"),
    ("layers", "dialects/planted.py", "gateway.topics"),
    ("layers", "quirks/planted.py", "gateway.dialects.v16"),
    ("layers", "runtime/planted.py", "gateway.adapters.clock"),
    ("layers", "planted.py", "gateway.core"),
    ("pure", "core/planted.py", "time"),
    ("pure", "dialects/planted.py", "asyncio"),
    ("pure", "quirks/planted.py", "tomllib"),
    ("pure", "topics/planted.py", "logging"),
    ("runtime-opens-nothing", "runtime/planted.py", "socket"),
    ("adapters-see-ports-and-core", "adapters/clock.py", "gateway.dialects.v16"),
    ("adapters-see-ports-and-core", "adapters/clock.py", "gateway.runtime.perform"),
    ("adapters-independent", "adapters/clock.py", "gateway.adapters.sqlite_store"),
    ("dialects-independent", "dialects/planted.py", "gateway.dialects.v16"),
    ("settings-see-core", "settings/planted.py", "gateway.runtime.ports"),
    ("sim-shares-nothing", "sim/planted.py", "gateway.core.frames"),
    ("sim-unused", "app.py", "gateway.sim"),
    ("layers", "commands/planted.py", "gateway.app"),
    ("commands-ask-the-socket", "commands/planted.py", "gateway.runtime.ports"),
    ("commands-ask-the-socket", "commands/planted.py", "gateway.core.identity"),
    ("commands-ask-the-socket", "commands/planted.py", "gateway.core.meanings"),
    ("commands-ask-the-socket", "commands/explain.py", "gateway.core.faults"),
    ("acyclic", "core/planted.py", "gateway.core.planted_too"),
    ("owner-of-ocpp", "runtime/planted.py", "ocpp.v16"),
    ("owner-of-websockets", "runtime/planted.py", "websockets"),
    ("owner-of-paho", "adapters/clock.py", "paho.mqtt.client"),
    ("owner-of-pymodbus", "runtime/planted.py", "pymodbus"),
    ("owner-of-sqlite", "adapters/clock.py", "sqlite3"),
    ("owner-of-systemd", "app.py", "systemd.daemon"),
    ("owner-of-pydantic", "core/planted.py", "pydantic"),
]

# Third-party packages: whoever adds one adds the contract that gives it an owner.
OWNED = {
    name for contract in CONTRACTS if contract["id"].startswith("owner-") for name in contract["forbidden_modules"]
}


def lint_imports(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run import-linter as `make check` does, on the package in `folder`."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache", *arguments],
        cwd=folder,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )


def test_every_import_contract_is_kept() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in result.stdout


def test_every_contract_has_a_planted_violation() -> None:
    assert {contract for contract, _, _ in PLANTS} == set(NAMES)


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package and its contracts, somewhere else."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(PACKAGE, folder / "gateway", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


@pytest.fixture
def plant(copy: Path) -> Iterator[Path]:
    """The copy, put back as it was after each test."""
    before = {path: path.read_bytes() for path in (copy / "gateway").rglob("*.py")}
    yield copy
    for path in (copy / "gateway").rglob("*.py"):
        if path in before:
            path.write_bytes(before[path])
        else:
            path.unlink()


@pytest.mark.parametrize(("contract", "module", "imported"), PLANTS)
def test_a_planted_violation_is_reported(plant: Path, contract: str, module: str, imported: str) -> None:
    file = plant / "gateway" / module
    if contract == "acyclic":
        file.with_name("planted_too.py").write_text("import gateway.core.planted\n")
    text = file.read_text() if file.exists() else ""
    file.write_text(f"{text}\nimport {imported}\n")

    result = lint_imports(plant, "--contract", contract)

    assert result.returncode == 1
    assert f"{NAMES[contract]} BROKEN" in result.stdout
    assert "0 kept, 1 broken." in result.stdout
    assert file.stem in result.stdout


def third_party_imports(source: Path) -> set[str]:
    """The top-level names of all packages that a file imports and that Python does not bring."""
    names = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names.add(node.module.partition(".")[0])
    return names - sys.stdlib_module_names - {"gateway"}


def test_every_third_party_package_has_an_owner() -> None:
    assert {name for source in SOURCES for name in third_party_imports(source)} <= OWNED


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    tests = [path for path in (ROOT / "tests").rglob("*.py") if "node_modules" not in path.parts]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in [*SOURCES, *tests]}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_LINES} == {}


def test_names_say_what_a_thing_is() -> None:
    modules = [source.stem for source in SOURCES] + [source.parent.name for source in SOURCES]
    classes = [
        node.name
        for source in SOURCES
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.ClassDef)
    ]
    assert {"utils", "util", "helpers", "common", "misc"}.isdisjoint(modules)
    assert [name for name in classes if name.endswith(("Manager", "Handler"))] == []


@pytest.mark.parametrize(
    ("file", "code", "rule"),
    [
        (
            "gateway/core/planted.py",
            "import datetime\n\nAT = datetime.datetime.now(datetime.UTC)\n",
            "TID251",
        ),
        ("gateway/core/planted.py", "import datetime\n\nAT = datetime.datetime.utcnow()\n", "TID251"),
        ("gateway/runtime/planted.py", "import time\n\ntime.sleep(1)\n", "TID251"),
        ("gateway/runtime/planted.py", "try:\n    x = 1\nexcept Exception:\n    x = 2\n", "BLE001"),
        ("gateway/runtime/planted.py", 'print("hello")\n', "T201"),
        (
            "tests/planted.py",
            "import asyncio\n\n\nasync def f() -> None:\n    await asyncio.sleep(1)\n",
            "TID251",
        ),
        ("tests/planted.py", "import time\n\ntime.sleep(1)\n", "TID251"),
        ("tests/planted.py", "from unittest import mock\n\nM = mock.Mock()\n", "TID251"),
        ("tests/planted.py", "import pytest\n\nS = pytest.mark.skip\n", "TID251"),
    ],
)
def test_ruff_refuses(file: str, code: str, rule: str) -> None:
    ruff = Path(sys.executable).with_name("ruff")
    command = [str(ruff), "check", "--no-cache", "--output-format=concise", f"--stdin-filename={file}", "-"]
    result = subprocess.run(command, cwd=ROOT, input=code, capture_output=True, text=True)
    assert result.returncode == 1
    assert f" {rule} " in result.stdout
