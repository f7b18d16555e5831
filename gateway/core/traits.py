"""Ways of a charger that change how the core reads its words. Quirks name them (`gateway/quirks`), the core asks."""

from __future__ import annotations

from enum import Enum


class Trait(Enum):
    """The value is the name under which a quirk file lists it among its corrections."""

    NEVER_TRIGGER = "never_trigger"
    """Asking it for a status makes it reboot, reconnect in loops or fall silent."""
    AVAILABLE_WHILE_PLUGGED = "available_while_plugged"
    """It says Available with the cable in: the status does not tell whether a car is plugged."""
    OCCUPIED_AS_IN_1_5 = "occupied_as_in_1_5"
    """It says Occupied, the word of OCPP 1.5: Charging in a transaction, else Preparing."""
