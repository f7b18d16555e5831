"""`evgate charger list` in words, and what `evgate status` has in common with it."""

from __future__ import annotations

from gateway.commands.reading import WIDTH, Answer, listed, moment, name, number, quoted, rows, word, words, wrapped

SKEW_SHOWN_S = 5.0
"""Chargers tell whole seconds, and a slow link takes one or two."""


def list_lines(answer: Answer) -> list[str]:
    """The chargers that are known, and those that were kept out."""
    known = rows(answer, "chargers")
    lines = [f"Known chargers: {len(known)}"]
    for charger in known:
        lines += charger_lines(charger)
    return [*lines, "", *quarantine_lines(rows(answer, "quarantined"))]


def charger_lines(charger: Answer) -> list[str]:
    """One charger without its connectors."""
    alias = word(charger, "name", "")
    standing = word(charger, "standing", "")
    who = listed([f"{name(charger)} ({alias})" if alias else name(charger), standing])
    return [
        *wrapped(f"{who}: {_presence(charger)}", "  ", "      "),
        *wrapped(_path(charger), "      "),
        *problem_lines(charger),
    ]


def problem_lines(of: Answer) -> list[str]:
    """What is wrong with a part, if anything is."""
    return wrapped(word(of, "problem", ""), "      ! ") if of.get("problem") else []


def quarantine_lines(quarantined: list[Answer], most: int | None = None) -> list[str]:
    """Those kept out, at most `most` of them, each with the command that lets it in."""
    if not quarantined:
        return ["Quarantined: nobody"]
    lines = [f"Quarantined, strangers that are kept out: {len(quarantined)}"]
    for stranger in quarantined[:most]:
        lines += _stranger_lines(stranger)
    if most is not None and len(quarantined) > most:
        lines.append(f"  and {len(quarantined) - most} more, see `evgate charger list`")
    return lines


def adopt_command(stranger: Answer) -> str:
    """Ready to be pasted into a shell."""
    identity = str(stranger.get("identity"))
    return f"evgate charger adopt {'-- ' if identity.startswith('-') else ''}{quoted(identity)}"


def _presence(charger: Answer) -> str:
    if charger.get("online") is True:
        return f"online since {moment(charger, 'since')}"
    last_seen = charger.get("last_seen") and f"last seen {moment(charger, 'last_seen')}"
    return listed([f"OFFLINE since {moment(charger, 'since')}", last_seen or ""])


def _path(charger: Answer) -> str:
    """From where it comes, and where it is relayed to."""
    address, upstream = word(charger, "address", ""), word(charger, "upstream", "")
    link = "online" if charger.get("upstream_online") is True else "OFFLINE"
    return listed(
        [
            f"from {address}" if address else "",
            word(charger, "subprotocol", ""),
            f"upstream {upstream} {link}" if upstream else "",
            _clock(charger),
            f"quirks: {' '.join(words(charger, 'quirks'))}" if words(charger, "quirks") else "",
        ]
    )


def _clock(charger: Answer) -> str:
    """How far the charger's clock is off, where that is more than a message may take."""
    skew_s = charger.get("clock_skew_s")
    if not isinstance(skew_s, int | float) or abs(skew_s) < SKEW_SHOWN_S:
        return ""
    return f"its clock is {abs(skew_s):.0f} s {'fast' if skew_s > 0 else 'slow'}"


def _stranger_lines(stranger: Answer) -> list[str]:
    attempts = number(stranger, "attempts")
    tried = f"{attempts} attempt{'' if attempts == 1 else 's'}" if attempts is not None else ""
    offers = " ".join(words(stranger, "subprotocols")) or "no subprotocol"
    credentials = "shows credentials" if stranger.get("credentials") is True else "shows no credentials"
    came = listed([f"from {word(stranger, 'address')}", tried, f"last {moment(stranger, 'last_seen')}"])
    command = f"      let it in: {adopt_command(stranger)}"
    return [
        *wrapped(f"{name(stranger)} {came}", "  ", "      "),
        *wrapped(listed([f"offers {offers}", credentials]), "      "),
        *wrapped(f"kept out because: {word(stranger, 'reason')}", "      "),
        # In one piece, however long, so that it can be copied.
        *([command] if len(command) <= WIDTH else ["      let it in:", f"  {adopt_command(stranger)}"]),
    ]
