"""The one vocabulary of measured quantities: what a meter said, by the key of the payload, in one unit each.

Powers, and currents with them, count into the car; what is exported is subtracted. Energies are registers, never
intervals. Nothing is guessed: what has no known unit, or is beyond what any charger can have, is None with a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from enum import Enum
from typing import Final

from gateway.core.reports import MeterValue, Sample

Number = float | int

MOST_POWER_W: Final = 4_000_000
"""Megawatt charging ends at 3.75 MW (1,250 V and 3,000 A); nothing that fills a vehicle takes more."""

MOST_CURRENT_A: Final = 6_000
"""What a charger of 4 MW takes from a grid of 400 V, per phase."""

MOST_VOLTAGE_V: Final = 1_500
"""The end of low voltage for DC; megawatt charging ends at 1,250 V."""

MOST_FREQUENCY_HZ: Final = 100
"""Grids have 16.7 to 60 Hz; a meter without voltage says 0."""

MOST_ENERGY_WH: Final = 10**12
"""A terawatt hour: a charger of 4 MW that never rests needs 28 years for it."""

COLDEST_C, HOTTEST_C = -60, 250
"""Colder than any charger is built for; hotter than a contact survives."""

PHASES: Final[Mapping[str | None, str]] = {
    None: "",
    "L1": "l1_",
    "L2": "l2_",
    "L3": "l3_",
    "N": "n_",
    "L1-N": "l1_",
    "L2-N": "l2_",
    "L3-N": "l3_",
    "L1-L2": "l1_l2_",
    "L2-L3": "l2_l3_",
    "L3-L1": "l3_l1_",
}
"""The part of a key that names the phase. Line to line is never mixed with line to neutral."""

LINES: Final = ("l1_", "l2_", "l3_")

KEYS: Final = (
    "power_w",
    "power_l1_w",
    "power_l2_w",
    "power_l3_w",
    "current_a",
    "current_l1_a",
    "current_l2_a",
    "current_l3_a",
    "current_n_a",
    "current_offered_a",
    "power_offered_w",
    "voltage_v",
    "voltage_l1_v",
    "voltage_l2_v",
    "voltage_l3_v",
    "voltage_l1_l2_v",
    "voltage_l2_l3_v",
    "voltage_l3_l1_v",
    "frequency_hz",
    "power_factor",
    "energy_import_wh",
    "energy_export_wh",
    "reactive_power_var",
    "soc_pct",
    "temperature_c",
)
"""Every key, in the order of the payload. `current_a` and `voltage_v` are those that a charger tells of no phase."""

REGISTERS: Final[Mapping[str, str]] = {
    "energy_import_wh": "Energy.Active.Import.Register",
    "energy_export_wh": "Energy.Active.Export.Register",
}
"""The keys that hold while nobody tells their measurand; everything else is live."""

NOTHING_READ: Final[Mapping[str, Number | None]] = dict.fromkeys(KEYS)


@dataclass(frozen=True, slots=True)
class Readings:
    """What one meter value says: every key of `KEYS`, None for what it does not say, or not credibly.

    `register_wh` is the import register in whole Wh. `signed`: signed records came with it. `refused` has one reason
    for each sample that was not used.
    """

    values: Mapping[str, Number | None]
    register_wh: int | None
    context: str | None
    signed: bool
    refused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Unit:
    """`(value + plus) * times` is the value in the unit of the key."""

    times: Decimal = Decimal(1)
    plus: Decimal = Decimal(0)


_SAME: Final = _Unit()
_THOUSAND: Final = _Unit(Decimal(1000))
_HUNDREDTH: Final = _Unit(Decimal("0.01"))
_FAHRENHEIT: Final = _Unit(Decimal(5) / Decimal(9), Decimal(-32))

# By the word in lower case; None where the charger names no unit. Beside OCPP's words stand those that chargers use.
_W: Final = {None: _SAME, "w": _SAME, "kw": _THOUSAND}
_VAR: Final = {None: _SAME, "var": _SAME, "kvar": _THOUSAND}
_WH: Final = {None: _SAME, "wh": _SAME, "kwh": _THOUSAND}
_A: Final = {None: _SAME, "a": _SAME}
_V: Final = {None: _SAME, "v": _SAME}
_HZ: Final = {None: _SAME, "hz": _SAME, "hertz": _SAME}
_FACTOR: Final = {None: _SAME, "percent": _HUNDREDTH, "%": _HUNDREDTH}
_PCT: Final = {None: _SAME, "percent": _SAME, "%": _SAME}
_C: Final = {
    None: _SAME,
    "celsius": _SAME,
    "celcius": _SAME,
    "c": _SAME,
    "°c": _SAME,
    "fahrenheit": _FAHRENHEIT,
    "f": _FAHRENHEIT,
    "°f": _FAHRENHEIT,
    "k": _Unit(plus=Decimal("-273.15")),
}

_CHARGER: Final = {"Outlet": 0, "Cable": 1, "Body": 2, "Inlet": 3}
_VEHICLE: Final = {"EV": 0, "Outlet": 1, "Cable": 2, "Body": 3, "Inlet": 4}
"""Places by how well they tell of what goes into the car. Of a quantity only the best place is read."""


class _Phases(Enum):
    """How the value of a quantity as a whole follows from its phases, where only these are told."""

    APART = "apart"
    SUM = "sum"
    GREATEST = "greatest"


@dataclass(frozen=True, slots=True)
class _Quantity:
    """One measurand: its key is `<name>_<phase>_<unit>`; credible from `low` to `high`, else the reason beside it."""

    name: str
    suffix: str
    units: Mapping[str | None, _Unit]
    low: tuple[Number, str]
    high: tuple[Number, str]
    step: Decimal = Decimal(1)
    sign: int = 1
    phases: _Phases = _Phases.APART
    places: Mapping[str, int] = field(default_factory=lambda: _CHARGER)


def _power(name: str, suffix: str, units: Mapping[str | None, _Unit], reason: str, sign: int = 1) -> _Quantity:
    return _Quantity(
        name, suffix, units, (-MOST_POWER_W, reason), (MOST_POWER_W, reason), sign=sign, phases=_Phases.SUM
    )


def _energy(name: str) -> _Quantity:
    low, high = (0, "negative_energy"), (MOST_ENERGY_WH, "absurd_energy")
    return _Quantity(name, "wh", _WH, low, high, phases=_Phases.SUM)


def _current(sign: int) -> _Quantity:
    low, high = (-MOST_CURRENT_A, "absurd_current"), (MOST_CURRENT_A, "absurd_current")
    return _Quantity("current", "a", _A, low, high, Decimal("0.01"), sign)


def _within(low: Number, high: Number, reason: str) -> tuple[tuple[Number, str], tuple[Number, str]]:
    return (low, reason), (high, reason)


_QUANTITIES: Final[Mapping[str, _Quantity]] = {
    "Power.Active.Import": _power("power", "w", _W, "absurd_power"),
    "Power.Active.Export": _power("power", "w", _W, "absurd_power", -1),
    "Power.Reactive.Import": _power("reactive_power", "var", _VAR, "absurd_reactive_power"),
    "Power.Reactive.Export": _power("reactive_power", "var", _VAR, "absurd_reactive_power", -1),
    "Power.Offered": _Quantity(
        "power_offered", "w", _W, (0, "negative_offer"), (MOST_POWER_W, "absurd_offer"), phases=_Phases.SUM
    ),
    "Power.Factor": _Quantity(
        "power", "factor", _FACTOR, *_within(-1, 1, "power_factor_out_of_range"), step=Decimal("0.001")
    ),
    "Current.Import": _current(1),
    "Current.Export": _current(-1),
    "Current.Offered": _Quantity(
        "current_offered",
        "a",
        _A,
        (0, "negative_offer"),
        (MOST_CURRENT_A, "absurd_offer"),
        Decimal("0.01"),
        phases=_Phases.GREATEST,  # the limit of a charger that uses one phase is that of this phase
    ),
    "Voltage": _Quantity(
        "voltage", "v", _V, (0, "negative_voltage"), (MOST_VOLTAGE_V, "absurd_voltage"), Decimal("0.1")
    ),
    "Frequency": _Quantity(
        "frequency",
        "hz",
        _HZ,
        *_within(0, MOST_FREQUENCY_HZ, "frequency_out_of_range"),
        step=Decimal("0.01"),
        phases=_Phases.GREATEST,  # the phases of a grid have one frequency
    ),
    "Energy.Active.Import.Register": _energy("energy_import"),
    "Energy.Active.Export.Register": _energy("energy_export"),
    "SoC": _Quantity("soc", "pct", _PCT, *_within(0, 100, "soc_out_of_range"), step=Decimal("0.1"), places=_VEHICLE),
    "Temperature": _Quantity(
        "temperature", "c", _C, *_within(COLDEST_C, HOTTEST_C, "temperature_out_of_range"), step=Decimal("0.1")
    ),
}
"""Measurands that have a key; the others (reactive energy, intervals, RPM, words of makers) are not published."""

_ByPhase = dict[str, Decimal | None]
"""The value of each phase that was told, None where it was refused; `` is the whole."""


def readings(value: MeterValue) -> Readings:
    """Every quantity that was sampled at one time. Of one sampled twice the last counts."""
    refused = [sample.refused for sample in value.samples if sample.refused is not None]
    sampled: dict[str, list[Sample]] = {}
    for sample in value.samples:
        if sample.measurand in _QUANTITIES:
            sampled.setdefault(sample.measurand, []).append(sample)
    told: dict[tuple[str, str], _ByPhase] = {}
    for measurand, samples in sampled.items():
        quantity = _QUANTITIES[measurand]
        phases = _told(quantity, samples, refused)
        _complete(phases, quantity.phases)
        net = told.setdefault((quantity.name, quantity.suffix), {})
        for phase, amount in phases.items():
            net[phase] = _net(net.get(phase, Decimal(0)), amount, quantity.sign)
    values = dict(NOTHING_READ)
    for measurand in sampled:
        quantity = _QUANTITIES[measurand]
        for phase, amount in told[quantity.name, quantity.suffix].items():
            key = f"{quantity.name}_{phase}{quantity.suffix}"
            if key in values and amount is not None:
                values[key] = _rounded(amount, quantity)
    register_wh = values["energy_import_wh"]
    return Readings(
        values=values,
        register_wh=None if register_wh is None else int(register_wh),
        context=next((sample.context for sample in value.samples if sample.value is not None), None),
        signed=any(sample.signed for sample in value.samples),
        refused=tuple(refused),
    )


def _told(quantity: _Quantity, samples: list[Sample], refused: list[str]) -> _ByPhase:
    """What the best place says of one measurand, by phase."""
    there = [sample for sample in samples if sample.location in quantity.places and not sample.signed]
    best = min((quantity.places[sample.location] for sample in there), default=None)
    phases: _ByPhase = {}
    for sample in there:
        if quantity.places[sample.location] == best:
            amount, why = _amount(sample, quantity)
            if sample.phase in PHASES:
                phases[PHASES[sample.phase]] = amount
            if why is not None:
                refused.append(why)
    return phases


def _amount(sample: Sample, quantity: _Quantity) -> tuple[Decimal | None, str | None]:
    """The value in the unit of the key, or None and why (nothing where the dialect has said why)."""
    if sample.value is None:
        return None, None
    if sample.phase not in PHASES:
        return None, "unknown_phase"
    unit = quantity.units.get(sample.unit.lower() if sample.unit else None)
    if unit is None:
        return None, "unknown_unit"
    amount = (sample.value + unit.plus) * unit.times
    if amount < quantity.low[0]:
        return None, quantity.low[1]
    if amount > quantity.high[0]:
        return None, quantity.high[1]
    return amount, None


def _complete(phases: _ByPhase, how: _Phases) -> None:
    """Add the whole where only phases were told; of a phase that was refused follows no whole."""
    lines = [phases[line] for line in LINES if line in phases]
    if "" in phases or not lines or how is _Phases.APART:
        return
    known = [amount for amount in lines if amount is not None]
    if len(known) == len(lines):
        phases[""] = sum(known, Decimal(0)) if how is _Phases.SUM else max(known)


def _net(before: Decimal | None, amount: Decimal | None, sign: int) -> Decimal | None:
    """Import less export; of one that was refused nothing follows."""
    return None if before is None or amount is None else before + sign * amount


def _rounded(amount: Decimal, quantity: _Quantity) -> Number:
    """As published. Registers count whole watt hours that are over, as their displays do."""
    rounding = ROUND_FLOOR if quantity.suffix == "wh" else ROUND_HALF_EVEN
    rounded = amount.quantize(quantity.step, rounding)
    return int(rounded) if quantity.step == 1 else float(rounded) + 0.0  # there is no negative zero
