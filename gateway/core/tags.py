"""How much of a tag (idTag, 1.6 section 7.28) is shown, and therefore kept: tags are personal data."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from enum import Enum

SHOWN_CHARACTERS = 4
"""As many as the message log shows: enough to tell two sessions apart, too few to make a card from."""

HASH_DIGITS = 16
"""64 bits: two tags of one site never share them, and a topic stays readable."""

LONGEST_TAG = 64
"""1.6 allows 20 characters and 2.x 36; what is longer is a defect, and is stored and published all the same."""


class TagDisplay(Enum):
    """What stands in the place of a tag; the value is the word in the configuration."""

    MASKED = "masked"
    FULL = "full"
    HASH = "hash"
    NONE = "none"


@dataclass(slots=True)
class Tags:
    """The way tags are shown. `key` is the secret of this gateway for hashes; without it none can be made."""

    display: TagDisplay = TagDisplay.MASKED
    key: bytes | None = field(default=None, repr=False)

    def shown(self, id_tag: str | None) -> str | None:
        """The form that may be kept and published; None where there is no tag, or none is to be shown."""
        if not id_tag or self.display is TagDisplay.NONE:
            return None
        if self.display is TagDisplay.HASH:
            return self._hash(id_tag)
        # Half of a surrogate pair passes for a character in JSON, and can neither be stored nor published.
        tag = id_tag.encode(errors="replace").decode()
        if self.display is TagDisplay.FULL:
            return tag[:LONGEST_TAG]
        return f"****{tag[-SHOWN_CHARACTERS:]}" if len(tag) > SHOWN_CHARACTERS else "****"

    def _hash(self, id_tag: str) -> str | None:
        """Letter case does not distinguish tags (CiString)."""
        if self.key is None:
            return None
        digest = hmac.new(self.key, id_tag.casefold().encode(errors="replace"), hashlib.sha256)
        return digest.hexdigest()[:HASH_DIGITS]
