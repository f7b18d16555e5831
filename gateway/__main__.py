"""The command line. Exit status of every command: 0 done, 1 could not be done, 2 called wrongly."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from gateway import __version__, commands
from gateway.settings import ConfigurationError, check
from gateway.sim import command as simulator

_CONFIG_HELP = "configuration file (default: /etc/evgate/gateway.toml); conf.d/*.toml beside it is read as well"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status. Wrong arguments end the process with 2, as argparse does."""
    arguments = _parser().parse_args(argv)
    do: Callable[[argparse.Namespace], int] = arguments.do
    return do(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="evgate",
        description="Gateway for EV charging sites: relays OCPP to the operator's CSMS, publishes connectors on MQTT.",
        epilog="example:\n  evgate check --config gateway.toml && evgate run --config gateway.toml",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"evgate {__version__}")
    parsers = parser.add_subparsers(metavar="command", required=True)
    _add_run(parsers)
    _add_check(parsers)
    commands.add_arguments(parsers)
    simulator.add_arguments(parsers)
    return parser


def _add_run(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    run = parsers.add_parser(
        "run",
        help="the daemon",
        description="Serve chargers until SIGTERM or Ctrl-C. Prints a line that starts with READY when it listens.",
        epilog="example:\n  evgate run --config /etc/evgate/gateway.toml\n\n"
        "exit status: 0 ended as asked, 1 could not start or go on, 2 wrong arguments",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    run.add_argument("--config", type=Path, metavar="FILE", help=_CONFIG_HELP)
    run.set_defaults(do=_run)


def _add_check(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = parsers.add_parser(
        "check",
        help="is the configuration right, and what will the daemon do",
        description="Read the configuration as the daemon would, and say what it will do, or what is wrong.",
        epilog="example:\n  evgate check --config /etc/evgate/gateway.toml\n\n"
        "exit status: 0 right, 1 something is wrong, 2 wrong arguments",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help=_CONFIG_HELP)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of sentences")
    parser.set_defaults(do=_check)


def _run(arguments: argparse.Namespace) -> int:
    from gateway import app  # the other commands answer sooner without it

    try:
        status = asyncio.run(app.run(arguments.config, os.environ, partial(print, flush=True)))
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 1
    leave(status)
    return status


def leave(status: int) -> None:
    """End the process now if a name lookup still hangs in a thread: the interpreter would wait for it."""
    if threading.active_count() > 1:
        logging.shutdown()
        sys.stdout.flush()
        os._exit(status)


def _check(arguments: argparse.Namespace) -> int:
    return check(arguments.config, os.environ, print, arguments.json)


if __name__ == "__main__":
    sys.exit(main())
