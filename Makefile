# `make` alone lists the targets. Everything is installed into .venv* below this folder; only missing system packages
# (mosquitto, headers of libsystemd, a compiler) come from apt.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
MINUTES ?= 45
ARGS ?=
UPGRADE ?=
UV := uv==0.13.8
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"$$/\1/p' gateway/__init__.py)

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

# In two steps, so that systemd-python (source only) is built by the locked setuptools and not by whatever is newest.
install = "$(1)/bin/pip" install -qq --require-hashes --no-deps -r requirements-build.lock && \
  "$(1)/bin/pip" install -qq --require-hashes --no-deps --no-build-isolation -r $(2)
this = "$(1)/bin/pip" install -qq --no-deps --no-build-isolation --editable .

PURE = $(wildcard tests/core tests/dialects tests/quirks tests/topics tests/test_topics*.py tests/properties tests/contracts)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: .venv/run.stamp ## two simulated chargers through the gateway, on this machine (ARGS="--seconds 20")
	@if ! PATH="$$PATH:/usr/sbin:/usr/local/sbin" command -v mosquitto >/dev/null; then
	  $(MAKE) .venv-demo/stamp
	  PATH="$$PWD/.venv-demo/bin:$$PATH"
	fi
	exec $(BIN)/evgate demo $(ARGS)

.PHONY: test
test: ## everything: installs what it needs, then static checks, the suite with coverage, Python 3.13
	@$(MAKE) test-needs
	$(MAKE) .venv/dev.stamp
	$(MAKE) peers
	$(MAKE) check
	$(MAKE) suite
	$(MAKE) suite-313

.PHONY: check
check: .venv/dev.stamp ## static checks only: ruff, mypy, import contracts
	@$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

.PHONY: suite
suite: .venv/dev.stamp
	@$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage combine --quiet
	echo "Branch coverage of the pure packages (100 % or this fails):"
	$(BIN)/coverage report --fail-under=100 --include='gateway/core/*,gateway/dialects/*,gateway/quirks/*,gateway/topics/*'
	echo "Branch coverage of everything (85 % or this fails):"
	$(BIN)/coverage report --fail-under=85

# Debian 12 runs 3.11, Debian 13 runs 3.13: what both share must behave the same on both.
.PHONY: suite-313
suite-313:
	@if $(BIN)/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))'; then
	  echo "Python 3.13: the whole suite ran on it."
	  exit
	fi
	pyenv_root="$${PYENV_ROOT:-$$HOME/.pyenv}"
	for python in python3.13 "$$pyenv_root"/versions/3.13.*/bin/python3.13; do
	  if "$$python" -c 'import ensurepip' 2>/dev/null; then
	    $(MAKE) .venv-313/dev.stamp PYTHON="$$python"
	    echo "Python 3.13: the pure packages and the contracts."
	    exec .venv-313/bin/python -m pytest $(PURE)
	  fi
	done
	echo "Python 3.13: left out, there is no working python3.13 on this machine (Debian 13 and pyenv have one)."

.PHONY: soak
soak: ## the same proofs with ever new seeds, until MINUTES (45) are over
	@$(MAKE) test-needs
	$(MAKE) .venv/dev.stamp
	$(MAKE) peers
	EVGATE_SOAK_MINUTES=$(MINUTES) $(BIN)/python -m pytest --capture=no -o faulthandler_timeout=0 tests/soak

# Debian's own Python, not the one of .venv: wheels and bytecode must be those that it runs. Built in a copy, because
# dpkg-buildpackage leaves what it makes beside and inside the source.
.PHONY: deb
deb: ## the Debian package for bookworm, amd64: dist/evgate_<version>_amd64.deb
	@$(MAKE) apt NEEDS="$(DEB_NEEDS)"
	$(MAKE) --silent build/wheels/lock
	source=build/deb/evgate-$(VERSION)
	rm -rf build/deb
	mkdir -p $$source dist
	cp -r LICENSE config debian gateway systemd build/wheels $$source
	find $$source -name __pycache__ -prune -exec rm -rf {} +
	echo "Building evgate_$(VERSION)_amd64.deb"
	if ! (cd $$source && dpkg-buildpackage --build=binary --no-sign) >build/deb/log 2>&1; then
	  tail -n 50 build/deb/log
	  echo "The package was not built; the whole log is build/deb/log." >&2
	  exit 1
	fi
	cp build/deb/evgate_$(VERSION)_amd64.deb dist

# Judged by what it prints: its status counts overridden errors too, and it is content when it found nothing to look at.
.PHONY: lint-deb
lint-deb: ## lintian on the package that `make deb` made: no error, no warning
	@$(MAKE) apt NEEDS=lintian
	lintian --allow-root --show-overrides dist/evgate_$(VERSION)_amd64.deb >build/deb/lintian || [ $$? = 2 ]
	if grep '^[^NO]:' build/deb/lintian; then
	  echo "lintian objects to dist/evgate_$(VERSION)_amd64.deb; 'lintian-explain-tags TAG' says why." >&2
	  exit 1
	fi
	if ! grep -q '^O: evgate: ' build/deb/lintian; then
	  echo "lintian looked at nothing: not even the tags that are overridden were met." >&2
	  exit 1
	fi
	echo "lintian: no errors, no warnings; overridden:" \
	  $$(sed -n 's/^O: evgate: \([^ ]*\).*/\1/p' build/deb/lintian | sort -u)

.PHONY: boot-test
boot-test: ## the package on a freshly booted Debian 12: install, serve, crash, reload, upgrade, purge (as root)
	@$(MAKE) test-needs
	$(MAKE) apt NEEDS="mmdebstrap systemd-container"
	$(MAKE) .venv/dev.stamp
	$(MAKE) deb
	$(MAKE) lint-deb
	EVGATE_DEB=dist/evgate_$(VERSION)_amd64.deb $(BIN)/python -m pytest -v -o faulthandler_timeout=0 tests/boot

.PHONY: fix
fix: .venv/dev.stamp ## let ruff format, and repair what it can
	@$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .

.PHONY: readme
readme: .venv/dev.stamp ## write the generated parts of README.md anew
	$(BIN)/python -m tests.test_readme

.PHONY: lock
lock: .venv-lock/stamp ## write the lock files anew from pyproject.toml (UPGRADE=1: with the newest versions)
	@lock() { .venv-lock/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate $(if $(UPGRADE),--upgrade) "$$@"; }
	lock --group build --output-file requirements-build.lock
	lock pyproject.toml --output-file requirements.lock
	lock pyproject.toml --group build --group dev --constraint requirements.lock --constraint requirements-build.lock \
	  --output-file requirements-dev.lock
	lock --group demo --output-file requirements-demo.lock

.PHONY: clean
clean: ## remove environments and caches
	rm -rf .venv .venv-* tests/peers/node_modules build dist *.egg-info
	rm -rf .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find gateway tests -name __pycache__ -prune -exec rm -rf {} +

# ---- what the targets above need -------------------------------------------------------------------------------------

define PYTHON_MISSING
evgate needs Python 3.11, 3.12 or 3.13; none was found. On Debian 12 or 13: apt-get install python3. \
Elsewhere name one: make PYTHON=/path/to/python3.
endef

.PHONY: python
python:
	@if [ -z "$(PYTHON)" ]; then echo "$(PYTHON_MISSING)" >&2; exit 1; fi

# Which of the Debian packages named in $(1) are missing, judged by what they bring: another source of it is as good.
# Except for dpkg-buildpackage, which asks dpkg for them by name.
missing = missing=""; \
  absent() { case " $(1) " in *" $$1 "*) missing="$$missing $$1";; esac; }; \
  command -v gcc >/dev/null || absent gcc; \
  command -v pkg-config >/dev/null || absent pkg-config; \
  pkg-config --exists libsystemd 2>/dev/null || absent libsystemd-dev; \
  $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || absent python3-venv; \
  [ -e "$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ] || absent python3-dev; \
  command -v openssl >/dev/null || absent openssl; \
  dpkg-query --show build-essential >/dev/null 2>&1 || absent build-essential; \
  dpkg-query --show debhelper >/dev/null 2>&1 || absent debhelper; \
  dpkg-query --show python3-pip >/dev/null 2>&1 || absent python3-pip; \
  command -v lintian >/dev/null || absent lintian; \
  command -v mmdebstrap >/dev/null || absent mmdebstrap; \
  command -v systemd-nspawn >/dev/null || absent systemd-container; \
  PATH="$$PATH:/usr/sbin:/usr/local/sbin" command -v mosquitto >/dev/null || absent mosquitto

BUILD_NEEDS := gcc pkg-config libsystemd-dev python3-venv python3-dev
DEB_NEEDS := build-essential debhelper python3-pip

.PHONY: test-needs
test-needs: python
	@$(MAKE) apt NEEDS="$(BUILD_NEEDS) mosquitto openssl"

# Debian starts a broker on port 1883 when mosquitto is installed. Nobody asked for one: policy-rc.d forbids it meanwhile.
.PHONY: apt
apt: python
	@$(call missing,$(NEEDS))
	[ -n "$$missing" ] || exit 0
	if ! command -v apt-get >/dev/null; then
	  echo "Missing:$$missing. There is no apt-get here: install what these Debian packages contain, then try again." >&2
	  exit 1
	fi
	root=""
	if [ "$$(id -u)" != 0 ]; then
	  root="sudo"
	  [ -t 0 ] || root="sudo -n"
	  if ! command -v sudo >/dev/null || ! $$root true; then
	    echo "Missing:$$missing. As root: apt-get install$$missing; then try again." >&2
	    exit 1
	  fi
	fi
	echo "Installing with apt:$$missing"
	policy=/usr/sbin/policy-rc.d
	if [ ! -e $$policy ]; then
	  trap '$$root rm -f $$policy' EXIT
	  printf '#!/bin/sh\nexit 101\n' | $$root tee $$policy >/dev/null
	  $$root chmod 755 $$policy
	fi
	$$root apt-get update -qq || echo "apt-get update failed; trying with the package lists that are there." >&2
	if ! $$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; then
	  echo "apt-get could not install:$$missing. Its own message above says why; then try again." >&2
	  exit 1
	fi

.PHONY: venv
venv: python
	@if ! $(BIN)/python -c '' 2>/dev/null; then
	  $(MAKE) apt NEEDS="$(BUILD_NEEDS)"
	  echo "Making .venv"
	  $(PYTHON) -m venv --clear .venv
	fi

.venv/run.stamp: requirements-build.lock requirements.lock pyproject.toml
	@$(MAKE) venv
	echo "Installing the locked packages into .venv"
	$(call install,.venv,requirements.lock)
	$(call this,.venv)
	touch $@

.venv/dev.stamp: requirements-build.lock requirements-dev.lock pyproject.toml
	@$(MAKE) venv
	echo "Installing the locked packages into .venv"
	$(call install,.venv,requirements-dev.lock)
	$(call this,.venv)
	touch $@ .venv/run.stamp

.venv-313/dev.stamp: requirements-build.lock requirements-dev.lock pyproject.toml
	@echo "Installing the locked packages into .venv-313"
	"$(PYTHON)" -m venv --clear .venv-313
	$(call install,.venv-313,requirements-dev.lock)
	$(call this,.venv-313)
	touch $@

.venv-demo/stamp: requirements-demo.lock
	@echo "mosquitto is not installed: installing a small broker for the demo into .venv-demo"
	$(PYTHON) -m venv --clear .venv-demo
	.venv-demo/bin/pip install -qq --require-hashes --no-deps -r requirements-demo.lock
	touch $@

# What the package holds besides evgate. systemd-python is left out: Debian has that very version, python3-systemd.
build/wheels/lock: requirements.lock
	@echo "Fetching the locked wheels into build/wheels"
	rm -rf build/wheels
	mkdir -p build/wheels
	sed '/^systemd-python==/,/[^\\]$$/d' requirements.lock >build/wheels/requirements
	/usr/bin/python3 -P -m pip download -qq --require-hashes --no-deps --only-binary :all: \
	  --dest build/wheels --requirement build/wheels/requirements
	mv build/wheels/requirements $@

.venv-lock/stamp: Makefile
	@$(PYTHON) -m venv --clear .venv-lock
	.venv-lock/bin/pip install -qq $(UV)
	touch $@

.PHONY: peers
peers:
	@if [ ! -e tests/peers/package.json ]; then exit; fi
	if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
	  echo "Peers from npm: left out, node and npm are not installed."
	  exit
	fi
	$(MAKE) tests/peers/node_modules/.stamp

tests/peers/node_modules/.stamp: tests/peers/package.json
	@echo "Installing the peers from npm"
	cd tests/peers
	npm install --no-package-lock --no-audit --no-fund
	touch node_modules/.stamp
