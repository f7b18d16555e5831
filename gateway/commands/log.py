"""`evgate log` in words: what came, what was done with it, and the text as it came."""

from __future__ import annotations

from gateway.commands.reading import Answer, moment, name, number, shown, unglued, word


def entry_lines(entry: Answer) -> list[str]:
    """One entry of the log. Its text is indented, so that no text can look like an entry."""
    skipped = number(entry, "skipped")
    if skipped is not None:
        return [f"(… {skipped} entries are left out: this terminal did not take them fast enough)"]
    head = unglued(f"{moment(entry, 'at', precision='milliseconds')}  {name(entry, 'charger')}  {_what(entry)}")
    text = entry.get("text")
    if not isinstance(text, str):
        return [head]
    # A text can also be shorter than it was because secrets in it are masked; then it is a whole one.
    cut = f" (… of {word(entry, 'length')} characters)" if entry.get("cut") is True else ""
    *lines, last = text.split("\n")
    return [head, *(f"    {shown(line)}" for line in lines), f"    {shown(last)}{cut}"]


def _what(entry: Answer) -> str:
    action, done, note = word(entry, "action", ""), word(entry, "done", ""), word(entry, "note", "")
    if entry.get("from") is None and entry.get("to") is None:
        return note or action or done or "unknown"
    # What stayed here went no further than the gateway.
    way = f"{word(entry, 'from')} -> {word(entry, 'to', 'gateway')}"
    # A note mostly says by itself what came and what was done.
    unsaid = [part for part in (action, done) if part not in note]
    return "  ".join(part for part in (way, *unsaid, note) if part)
