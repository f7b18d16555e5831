"""`evgate sim charger`, `evgate sim csms` and `evgate demo` on the command line."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path

from gateway.sim import demo, script
from gateway.sim.charger import SimCharger
from gateway.sim.console import Console
from gateway.sim.csms import SimCsms
from gateway.sim.endings import ending, first_of
from gateway.sim.errors import ScriptError, SimError
from gateway.sim.ledger import Ledger
from gateway.sim.life import keep_connected, sessions, stay

_CHARGER_HELP = """\
Dial a gateway or a CSMS as an OCPP 1.6 charger and print every frame. Without --script and --loop the
charger boots, reports its connectors and obeys commands until Ctrl-C; it dials again when the link breaks."""

_CHARGER_EPILOG = f"""\
example:
  evgate sim charger --url ws://127.0.0.1:9000/ocpp --identity CP01 --loop

a script has one step a line, # begins a comment, the steps are:
{script.reference()}

exit status: 0 ended as asked, 1 could not connect or a step failed, 2 wrong arguments or script"""

_CSMS_EPILOG = """\
example:
  evgate sim csms --listen 127.0.0.1:9100
  then in gateway.toml:  [[upstream]]  name = "sim"  url = "ws://127.0.0.1:9100/ocpp"

exit status: 0 ended as asked, 1 the address cannot be used, 2 wrong arguments"""


def add_arguments(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the parsers of `sim` and `demo`; `do` of what they parse is `run`."""
    sim = commands.add_parser("sim", help="simulated charger or CSMS", description="Simulated parts.")
    kinds = sim.add_subparsers(dest="kind", metavar="charger|csms", required=True)
    _add_charger(kinds)
    _add_csms(kinds)
    demo_parser = commands.add_parser(
        "demo",
        help="everything on this machine, with simulated parts",
        description=demo.DESCRIPTION,
        epilog=demo.EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    demo_parser.add_argument("--seconds", type=_seconds, metavar="N", help="end by itself after N seconds")
    demo_parser.add_argument(
        "--mqtt-port",
        type=_port,
        default=0,
        metavar="P",
        help="port of the MQTT broker (default: a free one)",
    )
    demo_parser.set_defaults(do=run, simulate=_run_demo)


def run(arguments: argparse.Namespace) -> int:
    """Run what `add_arguments` parsed; returns the exit status."""
    command: Callable[[argparse.Namespace], Coroutine[None, None, int]] = arguments.simulate
    return asyncio.run(command(arguments))


def _add_charger(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = kinds.add_parser(
        "charger",
        help="a charger that dials in",
        description=_CHARGER_HELP,
        epilog=_CHARGER_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--url", required=True, help="base URL; /IDENTITY is appended")
    parser.add_argument("--identity", required=True, help="the charger's identity")
    parser.add_argument("--connectors", type=_count, default=2, metavar="N", help="default: 2")
    parser.add_argument("--password", help="for HTTP Basic authentication, with the identity as user name")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--script", type=Path, metavar="FILE", help="run these steps once (- for standard input)")
    what.add_argument("--loop", action="store_true", help="charging sessions on each connector, for ever")
    parser.add_argument("--seconds", type=_seconds, metavar="N", help="end by itself after N seconds")
    parser.set_defaults(do=run, simulate=_run_charger)


def _add_csms(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = kinds.add_parser(
        "csms",
        help="an upstream that accepts everything",
        description="Serve as an OCPP 1.6 CSMS that accepts every charger and tag, and print every frame.",
        epilog=_CSMS_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--listen",
        type=_address,
        default=("127.0.0.1", 9100),
        metavar="HOST:PORT",
        help="default: 127.0.0.1:9100",
    )
    parser.add_argument("--seconds", type=_seconds, metavar="N", help="end by itself after N seconds")
    parser.set_defaults(do=run, simulate=_run_csms)


async def _run_charger(arguments: argparse.Namespace) -> int:
    async with ending(arguments.seconds) as ended:
        console = Console(ended.set)
        charger = SimCharger(
            arguments.url,
            arguments.identity,
            connectors=arguments.connectors,
            password=arguments.password,
            acts_on_commands=True,
            ledger=Ledger(keep=False, observer=partial(console.frame, arguments.identity)),
        )
        try:
            if arguments.script is not None:
                return await _run_script(charger, arguments.script, ended)
            live = sessions if arguments.loop else stay
            await first_of(keep_connected(charger, live, say=_complain), ended)
            return 0 if charger.connect_count else 1
        finally:
            await charger.close()


async def _run_script(charger: SimCharger, path: Path, ended: asyncio.Event) -> int:
    try:
        text = sys.stdin.read() if str(path) == "-" else await asyncio.to_thread(path.read_text, "utf-8")
        steps = script.parse(text)
    except (OSError, UnicodeDecodeError, ScriptError) as error:
        _complain(f"{path}: {error}")
        return 2

    async def play() -> None:
        await charger.connect()
        await script.run(steps, charger)

    try:
        await first_of(play(), ended)
    except SimError as error:
        _complain(f"{path}: {error}")
        return 1
    return 0


async def _run_csms(arguments: argparse.Namespace) -> int:
    host, port = arguments.listen
    async with ending(arguments.seconds) as ended:
        console = Console(ended.set)
        csms = SimCsms(host=host, port=port, keep_frames=False, observer=console.frame)
        try:
            await csms.start()
        except OSError as error:
            _complain(f"cannot listen on {host}:{port}: {error.strerror}; choose another with --listen")
            return 1
        console.line(f"serving {csms.url}/<identity>; Ctrl-C ends it")
        await ended.wait()
        await csms.stop()
        return 0


async def _run_demo(arguments: argparse.Namespace) -> int:
    return await demo.run_demo(seconds=arguments.seconds, mqtt_port=arguments.mqtt_port)


def _complain(text: str) -> None:
    print(f"evgate sim: {text}", file=sys.stderr, flush=True)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError("must be more than 0")
    return seconds


def _count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= 100:
        raise argparse.ArgumentTypeError("must be 1 to 100")
    return count


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("must be 0 to 65535")
    return port


def _address(text: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not separator or not host:
        raise argparse.ArgumentTypeError("must be HOST:PORT, like 127.0.0.1:9100")
    return host.strip("[]"), _port(port)
