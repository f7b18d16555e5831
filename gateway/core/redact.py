"""What may be shown of a frame. Log, errors and MQTT share this one function, so that a secret leaks nowhere.

It reads text and not parsed JSON: the frames that most need to be shown are those that do not parse, and a frame that
was cut in the middle must not show the half of a password. Where it cannot know, it masks. The work grows with the
length of the text and no faster: every pattern is possessive or bounded, because whoever can connect chooses the text.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from enum import IntEnum

EXAMINED = 65_536
"""A secret's name may stand behind its value, so more is examined than shown; a flood of huge frames stays cheap."""

MOST_LEVELS = 6
"""JSON in a string in JSON: DataTransfer has one level, an error that quotes a frame two. Deeper is masked whole."""


class _Share(IntEnum):
    """How much of a value may be shown; where two hold, the greater wins."""

    ALL = 0
    ALL_UNLESS_NAMED = 1
    LAST_FOUR = 2
    NOTHING = 3


_TAG_KEYS = re.compile(r"(?:idtags?|idtokens?|rfid|emaid)\Z")
"""Tags are personal data; their last four characters stay, so that two sessions can be told apart."""

_SECRET_NAMES = re.compile(
    r"passwor[dt]|passwd|passphrase|authorizationkey|basicauth|apikey|privatekey|secret|simpin", re.IGNORECASE
)
"""As the name of a member they hide its value. Anywhere in the text they hide every value of a generic name:
ChangeConfiguration and SetVariables name the secret in one member and carry it in another."""

_SECRET_KEYS = re.compile(r"pin(?:code)?|pwd|psk|vpn|authorization")
_GENERIC_KEYS = frozenset({"value", "attributevalue", "newvalue", "data"})
_SQUEEZED_OUT = re.compile(r"[-_. ]++")

_HEADER = re.compile(r"\b(Basic|Bearer)\s++[A-Za-z0-9+/=._~\\-]++", re.IGNORECASE)
_PEM = re.compile(r"(-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----)[^\"]*+")
_PORT = r"\d{1,5}(?:[/?#]|\Z)"
_URL_USER = re.compile(rf"(?<![\w+.-])([\w+.-]++://)(?:[^/\s\"@:]*+:(?!{_PORT})[^\s\"]{{0,512}}|[^/\s\"]*)@")
"""Up to the last @ of the authority. A password with a bare slash makes no valid URL, and is common all the same."""

_HALF_URL_USER = re.compile(rf"(?:[^/\s@:]*+:(?!{_PORT})\S*|[^/\s]*)\Z")

_DOUBLE = r'"(?:[^"\\]++|\\.)*+(?:"|(?P<half_double>\\?\Z))'
_SINGLE = r"(?<![^\s\[{(,:=])'(?:[^'\\]++|\\.)*+(?:'|(?P<half_single>\\?\Z))"
_TOKEN = re.compile(
    rf"(?P<text>{_DOUBLE}|{_SINGLE})(?P<after_text>\s*+[:=])?+"
    r"|(?P<word>[^\s\"'\[\]{}(),:=&;?]++)(?P<after_word>\s*+[:=])?+"
    r"|(?P<opener>[\[{])|(?P<closer>[\]}])|(?P<comma>[,;&])|\s++|.",
    re.DOTALL,
)
_BARE_VALUE = re.compile(r"[^\s,;&{}\[\]]++")
_CLOSER_OF = {"{": "}", "[": "]"}
_PLAIN = re.compile(r"[\w.+-]*+")

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.)|\Z)", re.DOTALL)
_SHORT_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def redact(text: str, *, named: bool = False, cut: bool = False) -> str:
    """The text with passwords, authorization headers and user parts of URLs masked, tags down to four characters.

    `named`: a secret is named around this text (`names_secret`); `cut`: the end of the text is lost.
    """
    return _redacted(text, 0, named=named, cut=cut)


def names_secret(text: str) -> bool:
    """Does the text name a secret? To be asked before it is cut: the name may stand far behind the value."""
    return _SECRET_NAMES.search(_squeezed(_unescaped(text[:EXAMINED]))) is not None


def excerpt(text: str, most: int = 200) -> str:
    """One line for the log: redacted, control characters escaped, cut with the length that was cut."""
    cut = len(text) > EXAMINED
    redacted = _redacted(text[:EXAMINED], 0, named=False, cut=cut)
    shown = "".join(char if char.isprintable() else repr(char)[1:-1] for char in redacted[:most])
    return f"{shown}… ({len(text)} characters)" if cut or len(redacted) > most else shown


def _redacted(text: str, level: int, *, named: bool, cut: bool) -> str:
    """`named`: a secret is named around this text; `cut`: the end of the text is lost."""
    text = _PEM.sub(r"\1***", text)
    text = _HEADER.sub(r"\1 ***", text)
    text = _URL_USER.sub(r"\1***@", text)
    head, mark, tail = text.rpartition("://")
    if cut and mark and _HALF_URL_USER.match(tail):
        text = f"{head}{mark}***"
    named = named or _SECRET_NAMES.search(_squeezed(_unescaped(text))) is not None
    return _Pass(text, level, named, cut).run()


@dataclass(slots=True)
class _Open:
    """An object or array that has not ended yet; `values` are the pieces to mask if it never does."""

    closer: str
    share: _Share
    values: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Pass:
    """One walk over the tokens of a text, from left to right; `due` is what the key just read says of its value."""

    text: str
    level: int
    named: bool
    cut: bool
    due: _Share | None = None
    pieces: list[str] = field(default_factory=list)
    stack: list[_Open] = field(default_factory=lambda: [_Open("", _Share.ALL)])

    def run(self) -> str:
        """The text as it may be shown."""
        at = 0
        while at < len(self.text):
            token = _TOKEN.match(self.text, at)
            assert token is not None, "its last branch takes any character"
            if token["text"] is not None:
                at = self._quoted(token)
            elif token["word"] is not None:
                at = self._word(token)
            else:
                at = self._mark(token)
        for unended in self.stack if self.cut else self.stack[1:]:
            for index in unended.values:
                self.pieces[index] = _mask(self.pieces[index])
        return "".join(self.pieces)

    def _quoted(self, token: re.Match[str]) -> int:
        quoted = token["text"]
        whole = token["half_double"] is None and token["half_single"] is None
        content = _unescaped(quoted[1:-1] if whole else quoted[1:])
        if token["after_text"] and not self.due:
            self.due = self._share_of(content)
            self.pieces.append(self._inside(quoted, content, whole))
        else:
            self._value(quoted, content, whole)
        self.pieces.append(token["after_text"] or "")
        return token.end()

    def _word(self, token: re.Match[str]) -> int:
        if token["after_word"] and not self.due and self._names_a_member(token):
            self.due = self._share_of(token["word"])
            self.pieces.append(token[0])
            return token.end()
        if self._share is _Share.ALL:
            self.pieces.append(token[0])
            self.due = None
            return token.end()
        bare = _BARE_VALUE.match(self.text, token.start())
        assert bare is not None, "a word is one"
        self._value(bare[0], bare[0], whole=bare.end() < len(self.text))
        return bare.end()

    def _mark(self, token: re.Match[str]) -> int:
        self.pieces.append(token[0])
        if token["opener"]:
            self.stack.append(_Open(_CLOSER_OF[token[0]], self._share))
            self.due = None
        elif token["closer"]:
            self._end(token[0])
        elif token["comma"]:
            self.due = None
        return token.end()

    def _end(self, closer: str) -> None:
        self.due = None
        if self.stack[-1].closer != closer:
            return
        ended = self.stack.pop()
        if ended.share is _Share.ALL_UNLESS_NAMED:
            self.stack[-1].values += ended.values

    @property
    def _share(self) -> _Share:
        return self.stack[-1].share if self.due is None else self.due

    def _share_of(self, key: str) -> _Share:
        """What a member's name, and where it stands, say of its value."""
        around = self.stack[-1].share
        name = _squeezed(key).casefold()
        if _SECRET_NAMES.search(name) or _SECRET_KEYS.fullmatch(name):
            return _Share.NOTHING
        if _TAG_KEYS.search(name):
            return max(around, _Share.LAST_FOUR)
        if name in _GENERIC_KEYS:
            return max(around, _Share.ALL_UNLESS_NAMED)
        return _Share.ALL if around is _Share.LAST_FOUR and name == "type" else around

    def _names_a_member(self, token: re.Match[str]) -> bool:
        """Outside brackets a colon may be prose: "wrong password: set another one"."""
        after = self.text[token.end() : token.end() + 1]
        return len(self.stack) > 1 or token["after_word"] != ":" or not after.isspace()

    def _value(self, piece: str, content: str, whole: bool) -> None:
        share = self._share
        self.due = None
        if share is _Share.NOTHING or (share is _Share.ALL_UNLESS_NAMED and self.named):
            self.pieces.append(_mask(piece))
        elif share is _Share.LAST_FOUR:
            self.pieces.append(_mask(piece, f"****{content[-4:]}" if whole and len(content) > 4 else "****"))
        else:
            if share is _Share.ALL_UNLESS_NAMED:
                self.stack[-1].values.append(len(self.pieces))
            self.pieces.append(self._inside(piece, content, whole))

    def _inside(self, piece: str, content: str, whole: bool) -> str:
        """A piece that may be shown, as far as what it holds may."""
        if _PLAIN.fullmatch(content):
            return piece
        if self.level >= MOST_LEVELS:
            return _mask(piece)
        shown = _redacted(content, self.level + 1, named=self.named, cut=not whole)
        return piece if shown == content else _mask(piece, shown)


def _mask(piece: str, shown: str = "***") -> str:
    """Another content in the quotes of the same piece; what is empty or null hides nothing."""
    if piece in ("null", '""', "''"):
        return piece
    if piece.startswith('"'):
        return json.dumps(shown, ensure_ascii=False)
    return f"'{shown}'" if piece.startswith("'") else shown


def _squeezed(name: str) -> str:
    return _SQUEEZED_OUT.sub("", name)


def _unescaped(text: str) -> str:
    """JSON string escapes undone, leniently."""
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(escape: re.Match[str]) -> str:
    if escape[1] is not None:
        return chr(int(escape[1], 16))
    return _SHORT_ESCAPES.get(escape[2], escape[2]) if escape[2] is not None else ""
