"""`evgate status`, `evgate charger`, `evgate log` and `evgate explain` on the command line."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from typing import Any, Final

from gateway.commands.ask import ANSWER_TIMEOUT_S, AskFailed, ask, ask_once
from gateway.commands.chargers import list_lines
from gateway.commands.explain import WordUnknown, explanation, meaning_lines, word_lines
from gateway.commands.log import entry_lines
from gateway.commands.output import any_encoding, complain, nobody_reads, say
from gateway.commands.reading import word, wrapped
from gateway.commands.status import status_lines
from gateway.settings import control_path

_NOT_DONE: Final = "1 the daemon could not be asked, 2 wrong arguments"

_STATUS_EPILOG: Final = f"""\
example:
  evgate status
  evgate status --json | jq -r '.problems[].text'

exit status: 0 the daemon answered, whatever it has to say (`health` in --json),
{_NOT_DONE}"""

_LIST_EPILOG: Final = f"""\
example:
  evgate charger list
  evgate charger list --json | jq -r '.quarantined[].identity'

exit status: 0 done, {_NOT_DONE}"""

_ADOPT_EPILOG: Final = """\
example:
  evgate charger adopt CP01
  evgate charger adopt 'CP01 '        (exactly as `evgate charger list` shows it)

exit status: 0 done, 1 it could not be done, 2 wrong arguments"""

_FORGET_EPILOG: Final = """\
example:
  evgate charger forget CP01

exit status: 0 done, 1 it could not be done, 2 wrong arguments"""

_LOG_EPILOG: Final = f"""\
example:
  evgate log -f --charger CP01
  evgate log --json | jq -r 'select(.done == "not relayed") | .note'

exit status: 0 done, with -f also ended by Ctrl-C, {_NOT_DONE}"""

_EXPLAIN_EPILOG: Final = """\
example:
  evgate explain SuspendedEV
  evgate explain GroundFailure --json | jq -r '.meanings[].what_to_do'

exit status: 0 the word is known, 1 it is not, 2 wrong arguments"""


def add_arguments(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the parsers of `status`, `charger`, `log` and `explain`; `do` of what they parse is `run`."""
    status = _add(
        commands,
        "status",
        "what is wrong and what to do; chargers, connectors, upstreams, MQTT, store, clock",
        "Ask the running daemon how the site is: first what is wrong and what to do, then every part.",
        _STATUS_EPILOG,
    )
    status.add_argument("--json", action="store_true", help="one JSON object instead of sentences")
    status.set_defaults(do=run, ask=_status)

    charger = commands.add_parser(
        "charger",
        help="list, adopt and forget chargers",
        description="Chargers that the running daemon knows or keeps out. A change holds at once, and for good.",
        epilog="example:\n  evgate charger list\n  evgate charger adopt CP01",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_charger(charger.add_subparsers(metavar="list|adopt|forget", required=True))

    log = _add(
        commands,
        "log",
        "the OCPP messages of both legs, with what was done to each",
        "Show the newest messages of each charger, oldest first, with secrets masked. Times are local.",
        _LOG_EPILOG,
    )
    log.add_argument("-f", "--follow", action="store_true", help="go on with what comes, until Ctrl-C")
    log.add_argument("--charger", metavar="IDENTITY", help="of this charger only")
    log.add_argument("--json", action="store_true", help="one JSON object a line instead of text")
    log.set_defaults(do=run, ask=_log)

    explain = _add(
        commands,
        "explain",
        "what a status, error code, reason or condition means, and what to do",
        "Say what a word of OCPP 1.6, 2.0.1 and 2.1, or of the MQTT topics, means to somebody beside the charger.\n"
        "Letter case and blanks do not matter. Without a word, all that are known. The daemon need not run.",
        _EXPLAIN_EPILOG,
    )
    explain.add_argument("words", nargs="*", metavar="WORD", help="such as Faulted, 'suspended ev', WeakSignal, Reboot")
    explain.add_argument("--json", action="store_true", help="one JSON object instead of sentences")
    explain.set_defaults(do=run, ask=_explain)


def run(arguments: argparse.Namespace) -> int:
    """Run what `add_arguments` parsed; returns the exit status."""
    any_encoding()
    try:
        arguments.ask(arguments)
    except (AskFailed, WordUnknown) as failure:
        complain(f"evgate: {failure}")
        return 1
    except BrokenPipeError:
        nobody_reads()
        return 0
    except OSError as error:
        nobody_reads()
        complain(f"evgate: cannot write the output ({error.strerror or error}): check where it goes")
        return 1
    except KeyboardInterrupt:
        # Following the log has no other end.
        return 0 if getattr(arguments, "follow", False) else 1
    return 0


def _add_charger(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    listing = _add(
        kinds,
        "list",
        "who is known, and who was kept out and why",
        "Show the chargers that are known, and the quarantine: strangers that tried to come in. Identities are\n"
        "quoted as a shell reads them, so that a blank or an invisible character in one is seen.",
        _LIST_EPILOG,
    )
    listing.add_argument("--json", action="store_true", help="one JSON object instead of sentences")
    listing.set_defaults(do=run, ask=_list)

    adopt = _add(
        kinds,
        "adopt",
        "let a stranger in, from now on",
        "Let a charger in that is in the quarantine. It is served when it knocks next; no restart is needed.",
        _ADOPT_EPILOG,
    )
    adopt.add_argument("identity", metavar="IDENTITY", help="as `evgate charger list` shows it")
    adopt.set_defaults(do=run, ask=partial(_change, "adopt"))

    forget = _add(
        kinds,
        "forget",
        "make a charger a stranger again",
        "Remove a charger from what is known, and its topics from MQTT. When it comes again it is a stranger.",
        _FORGET_EPILOG,
    )
    forget.add_argument("identity", metavar="IDENTITY", help="as `evgate charger list` shows it")
    forget.add_argument("--force", action="store_true", help="also while it is connected")
    forget.set_defaults(do=run, ask=partial(_change, "forget"))


def _add(
    to: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str, description: str, epilog: str
) -> argparse.ArgumentParser:
    return to.add_parser(
        name,
        help=summary,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _status(arguments: argparse.Namespace) -> None:
    report = _asked({"ask": "status"})
    say([json.dumps(report, indent=2)] if arguments.json else status_lines(report))


def _list(arguments: argparse.Namespace) -> None:
    answer = _asked({"ask": "chargers"})
    say([json.dumps(answer, indent=2)] if arguments.json else list_lines(answer))


def _change(what: str, arguments: argparse.Namespace) -> None:
    request: dict[str, Any] = {"ask": what, "identity": arguments.identity}
    if what == "forget":
        request["force"] = arguments.force
    say(wrapped(word(_asked(request), "done")))


def _log(arguments: argparse.Namespace) -> None:
    request = {"ask": "log", "charger": arguments.charger, "follow": arguments.follow}
    entries = ask(control_path(os.environ), request, None if arguments.follow else ANSWER_TIMEOUT_S)
    with closing(entries):
        for entry in entries:
            say([json.dumps(entry)] if arguments.json else entry_lines(entry))
    if arguments.follow:
        raise AskFailed("evgate ended, and the log with it: follow the new one with `evgate log -f`")


def _explain(arguments: argparse.Namespace) -> None:
    asked = " ".join(arguments.words).strip()
    if arguments.json:
        say([json.dumps(explanation(asked), indent=2)])
    else:
        say(meaning_lines(asked) if asked else word_lines())


def _asked(request: Mapping[str, Any]) -> Mapping[str, Any]:
    return ask_once(control_path(os.environ), request)
