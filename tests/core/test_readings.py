"""`gateway.core.readings`: one vocabulary of measured quantities."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.readings import (
    COLDEST_C,
    HOTTEST_C,
    KEYS,
    MOST_CURRENT_A,
    MOST_ENERGY_WH,
    MOST_FREQUENCY_HZ,
    MOST_POWER_W,
    MOST_VOLTAGE_V,
    NOTHING_READ,
    PHASES,
    REGISTERS,
    Readings,
    readings,
)
from gateway.core.reports import MeterValue, Sample

REGISTER = "Energy.Active.Import.Register"

# Every key of `charger/<id>/connector/<n>/meter` that is a reading, as the interface lists them.
PUBLISHED = {
    *("power_w", "power_l1_w", "power_l2_w", "power_l3_w", "current_l1_a", "current_l2_a", "current_l3_a"),
    *("current_n_a", "current_offered_a", "voltage_l1_v", "voltage_l2_v", "voltage_l3_v", "frequency_hz"),
    *("power_factor", "energy_import_wh", "energy_export_wh", "reactive_power_var", "soc_pct", "temperature_c"),
}


def sample(measurand: str, value: str | None, unit: str | None = None, phase: str | None = None, **more: Any) -> Sample:
    return Sample(measurand, None if value is None else Decimal(value), unit, phase, **more)


def read(*samples: Sample) -> Readings:
    result = readings(MeterValue(samples))
    assert tuple(result.values) == KEYS
    return result


def said(*samples: Sample) -> dict[str, float | int]:
    """The keys that are not null."""
    result = read(*samples)
    assert result.refused == ()
    return {key: value for key, value in result.values.items() if value is not None}


def test_every_published_key_is_there() -> None:
    assert set(KEYS) >= PUBLISHED
    assert set(REGISTERS) <= set(KEYS)
    assert read() == Readings(NOTHING_READ, None, None, False, ())
    assert set(NOTHING_READ.values()) == {None}


@pytest.mark.parametrize(
    ("measurand", "value", "unit", "phase", "key", "expected"),
    [
        ("Power.Active.Import", "10807.6", "W", None, "power_w", 10808),
        ("Power.Active.Import", "3.6025", "kW", "L1", "power_l1_w", 3602),
        ("Power.Active.Import", "100", None, None, "power_w", 100),
        ("Power.Offered", "11", "kW", None, "power_offered_w", 11000),
        ("Power.Reactive.Import", "-1.5", "kvar", None, "reactive_power_var", -1500),
        ("Power.Reactive.Export", "20", "var", None, "reactive_power_var", -20),
        ("Power.Factor", "0.9876", None, None, "power_factor", 0.988),
        ("Power.Factor", "98", "Percent", None, "power_factor", 0.98),
        ("Current.Import", "16.114", "A", "L1", "current_l1_a", 16.11),
        ("Current.Import", "16", "A", "L2-N", "current_l2_a", 16.0),
        ("Current.Import", "0.5", "A", "N", "current_n_a", 0.5),
        ("Current.Import", "16", "A", None, "current_a", 16.0),
        ("Current.Offered", "32", "A", None, "current_offered_a", 32.0),
        ("Voltage", "229.96", "V", "L1", "voltage_l1_v", 230.0),
        ("Voltage", "229.94", "V", "L3-N", "voltage_l3_v", 229.9),
        ("Voltage", "400", "V", "L1-L2", "voltage_l1_l2_v", 400.0),
        ("Voltage", "400", "V", "L2-L3", "voltage_l2_l3_v", 400.0),
        ("Voltage", "400", "V", "L3-L1", "voltage_l3_l1_v", 400.0),
        ("Voltage", "750", "V", None, "voltage_v", 750.0),
        ("Frequency", "50.034", "Hz", None, "frequency_hz", 50.03),
        ("Frequency", "50", "Hertz", "L1", "frequency_hz", 50.0),
        (REGISTER, "4611954", "Wh", None, "energy_import_wh", 4611954),
        (REGISTER, "4611.9549", "kWh", None, "energy_import_wh", 4611954),
        (REGISTER, "333", None, None, "energy_import_wh", 333),
        ("Energy.Active.Export.Register", "5.5", "kWh", None, "energy_export_wh", 5500),
        ("SoC", "61.25", "Percent", None, "soc_pct", 61.2),
        ("SoC", "61", "%", None, "soc_pct", 61.0),
        ("Temperature", "41.5", "Celsius", None, "temperature_c", 41.5),
        ("Temperature", "41.5", "Celcius", None, "temperature_c", 41.5),
        ("Temperature", "104", "Fahrenheit", None, "temperature_c", 40.0),
        ("Temperature", "300.05", "K", None, "temperature_c", 26.9),
    ],
)
def test_one_unit_and_one_rounding_for_each_quantity(
    measurand: str, value: str, unit: str | None, phase: str | None, key: str, expected: float
) -> None:
    values = said(sample(measurand, value, unit, phase))
    assert values[key] == expected
    assert type(values[key]) is type(expected)
    assert set(values) <= {key, "power_w"}  # a phase alone makes the whole as well


@pytest.mark.parametrize(
    ("measurand", "value", "unit", "why"),
    [
        ("Power.Active.Import", str(MOST_POWER_W + 1), "W", "absurd_power"),
        ("Power.Active.Import", "-4001", "kW", "absurd_power"),
        ("Power.Active.Export", "4001", "kW", "absurd_power"),
        ("Power.Reactive.Import", "4001", "kvar", "absurd_reactive_power"),
        ("Power.Offered", "-1", "W", "negative_offer"),
        ("Power.Offered", "4001", "kW", "absurd_offer"),
        ("Power.Factor", "98", None, "power_factor_out_of_range"),
        ("Power.Factor", "-1.01", None, "power_factor_out_of_range"),
        ("Current.Import", str(MOST_CURRENT_A + 1), "A", "absurd_current"),
        ("Current.Export", str(-MOST_CURRENT_A - 1), "A", "absurd_current"),
        ("Current.Offered", "-1", "A", "negative_offer"),
        ("Current.Offered", "65535", "A", "absurd_offer"),
        ("Voltage", "-230", "V", "negative_voltage"),
        ("Voltage", str(MOST_VOLTAGE_V + 1), "V", "absurd_voltage"),
        ("Frequency", "-50", "Hz", "frequency_out_of_range"),
        ("Frequency", str(MOST_FREQUENCY_HZ + 1), None, "frequency_out_of_range"),
        (REGISTER, "-1", "Wh", "negative_energy"),
        (REGISTER, str(MOST_ENERGY_WH), "kWh", "absurd_energy"),
        ("Energy.Active.Export.Register", "-1", "Wh", "negative_energy"),
        ("SoC", "101", "Percent", "soc_out_of_range"),
        ("SoC", "-1", "Percent", "soc_out_of_range"),
        ("Temperature", str(COLDEST_C - 1), "Celsius", "temperature_out_of_range"),
        ("Temperature", str(HOTTEST_C + 1), "Celsius", "temperature_out_of_range"),
        ("Temperature", "0", "K", "temperature_out_of_range"),
        ("Power.Active.Import", "1", "VA", "unknown_unit"),
        ("Voltage", "1", "A", "unknown_unit"),
        (REGISTER, "1", "varh", "unknown_unit"),
    ],
)
def test_what_no_charger_can_have_is_null_with_a_reason(measurand: str, value: str, unit: str | None, why: str) -> None:
    result = read(sample(measurand, value, unit))
    assert (result.values, result.register_wh, result.refused) == (NOTHING_READ, None, (why,))


def test_a_phase_that_nobody_knows_is_refused() -> None:
    result = read(sample("Voltage", "230", "V", "R"))
    assert (result.values, result.refused) == (NOTHING_READ, ("unknown_phase",))


@pytest.mark.parametrize("value", [MOST_POWER_W, -MOST_POWER_W])
def test_the_limits_themselves_are_credible(value: int) -> None:
    assert said(sample("Power.Active.Import", str(value), "W"))["power_w"] == value


def test_what_the_dialect_refused_is_counted_once_each() -> None:
    result = read(
        sample("Voltage", None, "V", "L1", refused="empty"),
        sample("RPM", None, refused="not_a_number"),
        sample("Voltage", "-1", "V", "L2"),
        sample("Voltage", "230", "V", "L3"),
    )
    assert sorted(result.refused) == ["empty", "negative_voltage", "not_a_number"]
    assert {key: value for key, value in result.values.items() if value is not None} == {"voltage_l3_v": 230.0}


def three(measurand: str, values: tuple[str | None, ...], unit: str, suffix: str = "") -> list[Sample]:
    return [sample(measurand, value, unit, f"L{n}{suffix}") for n, value in enumerate(values, 1)]


def test_phases_are_added_where_no_whole_is_told() -> None:
    assert said(*three("Power.Active.Import", ("1.2", "1.2", "1.2"), "kW"))["power_w"] == 3600
    assert said(*three("Power.Active.Import", ("100", "200", "300"), "W", "-N"))["power_w"] == 600
    assert said(*three("Power.Reactive.Import", ("1", "2", "3"), "var"))["reactive_power_var"] == 6
    assert said(*three("Power.Offered", ("1", "2", "3"), "kW"))["power_offered_w"] == 6000
    result = read(*three(REGISTER, ("1000.9", "2000.9", "3000.9"), "Wh"))
    assert (result.values["energy_import_wh"], result.register_wh) == (6002, 6002)


def test_a_charger_with_one_phase_tells_the_whole_with_it() -> None:
    assert said(sample("Power.Active.Import", "2300", "W", "L1")) == {"power_w": 2300, "power_l1_w": 2300}


def test_phases_are_not_added_where_the_whole_is_told() -> None:
    values = said(sample("Power.Active.Import", "50", "W"), *three("Power.Active.Import", ("1", "2", "3"), "W"))
    assert values == {"power_w": 50, "power_l1_w": 1, "power_l2_w": 2, "power_l3_w": 3}


def test_a_whole_that_was_refused_stays_unknown() -> None:
    result = read(sample("Power.Active.Import", "9e9", "W"), *three("Power.Active.Import", ("1", "2", "3"), "W"))
    assert (result.values["power_w"], result.values["power_l1_w"]) == (None, 1)


def test_of_phases_with_one_refused_follows_no_whole() -> None:
    result = read(*three("Power.Active.Import", ("1", None, "3"), "W"))
    assert (result.values["power_w"], result.values["power_l1_w"], result.values["power_l2_w"]) == (None, 1, None)
    assert read(*three(REGISTER, ("1", "-2", "3"), "Wh")).register_wh is None


def test_neutral_and_line_to_line_are_never_added() -> None:
    neutral = sample("Power.Active.Import", "5", "W", "N")
    assert said(neutral) == {}
    assert said(neutral, sample("Power.Active.Import", "7", "W", "L1"))["power_w"] == 7
    assert said(*three("Current.Import", ("1", "2", "3"), "A")).keys() == {f"current_l{n}_a" for n in (1, 2, 3)}
    assert said(*three("Voltage", ("230", "231", "232"), "V")).keys() == {f"voltage_l{n}_v" for n in (1, 2, 3)}


def test_the_limit_of_a_charger_is_that_of_its_best_phase() -> None:
    assert said(*three("Current.Offered", ("16", "0", "0"), "A")) == {"current_offered_a": 16.0}


def test_exported_is_subtracted() -> None:
    both = (sample("Power.Active.Import", "100", "W"), sample("Power.Active.Export", "7.5", "kW"))
    assert said(*both)["power_w"] == said(*reversed(both))["power_w"] == -7400
    assert said(sample("Power.Active.Export", "0", "W")) == {"power_w": 0}
    assert said(sample("Current.Export", "0", "A", "L1")) == {"current_l1_a": 0.0}
    assert str(said(sample("Current.Export", "0.001", "A", "L1"))["current_l1_a"]) == "0.0"
    phases = [*three("Power.Active.Import", ("0", "0", "0"), "W"), *three("Power.Active.Export", ("1", "2", "3"), "W")]
    assert said(*phases) == {"power_w": -6, "power_l1_w": -1, "power_l2_w": -2, "power_l3_w": -3}


def test_of_a_refused_import_or_export_follows_no_power() -> None:
    good, bad = sample("Power.Active.Import", "100", "W"), sample("Power.Active.Export", None, "W")
    assert read(good, bad).values["power_w"] is None
    assert read(sample("Power.Active.Import", None), sample("Power.Active.Export", "5")).values["power_w"] is None


def test_the_outlet_counts_before_other_places() -> None:
    outlet, inlet = sample(REGISTER, "10"), sample(REGISTER, "99", location="Inlet")
    body = sample(REGISTER, "55", location="Body")
    assert read(outlet, inlet).register_wh == read(inlet, outlet).register_wh == 10
    assert read(inlet, body).register_wh == 55
    assert read(inlet).register_wh == 99
    dc = sample("Voltage", "750", "V")
    assert said(dc, sample("Voltage", "230", "V", "L1", location="Inlet")) == {"voltage_v": 750.0}


def test_another_place_does_not_stand_in_for_a_refused_outlet() -> None:
    assert read(sample(REGISTER, "-1"), sample(REGISTER, "99", location="Inlet")).register_wh is None


def test_of_the_vehicle_only_its_battery_is_read() -> None:
    assert said(sample("SoC", "60", location="EV"), sample("SoC", "1")) == {"soc_pct": 60.0}
    assert said(sample("Temperature", "30", location="EV"), sample("Voltage", "400", location="EV")) == {}
    assert said(sample("Voltage", "400", location="Attic")) == {}


def test_of_a_quantity_sampled_twice_the_last_counts() -> None:
    assert read(sample(REGISTER, "10"), sample(REGISTER, "11")).register_wh == 11


def test_the_order_of_samples_does_not_matter() -> None:
    samples = [
        *(sample(REGISTER, "10"), sample("Own.Word", "1"), sample("Power.Active.Export", "5", "W")),
        *(sample("Voltage", "230", "V", "L1"), sample("Power.Active.Import", "100", "W"), sample("SoC", "60")),
    ]
    assert (
        said(*samples)
        == said(*reversed(samples))
        == {
            "energy_import_wh": 10,
            "power_w": 95,
            "voltage_l1_v": 230.0,
            "soc_pct": 60.0,
        }
    )


def test_intervals_are_not_registers() -> None:
    assert said(sample("Energy.Active.Import.Interval", "500", "Wh"), sample("RPM", "3"), sample("Own.Word", "1")) == {}


def test_signed_records_are_marked_and_not_read() -> None:
    signed = Sample(REGISTER, None, signed=True, context="Transaction.End")
    result = read(signed)
    assert (result.signed, result.register_wh, result.context, result.refused) == (True, None, None, ())
    both = read(signed, sample(REGISTER, "5", context="Trigger"))
    assert (both.signed, both.register_wh, both.context) == (True, 5, "Trigger")


SAMPLES = st.builds(
    Sample,
    measurand=st.sampled_from(
        ["Power.Active.Import", "Power.Active.Export", "Voltage", "SoC", "Temperature", REGISTER]
    ),
    value=st.none() | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20),
    unit=st.none() | st.sampled_from(["W", "kW", "V", "Wh", "kWh", "K", "Fahrenheit", "Percent", "x"]),
    phase=st.none() | st.sampled_from([*(phase for phase in PHASES if phase), "R"]),
    location=st.sampled_from(["Outlet", "Inlet", "EV", "Body", "Moon"]),
    signed=st.booleans(),
)


@given(st.lists(SAMPLES, max_size=12))
def test_whatever_was_sampled_is_json_and_credible(samples: list[Sample]) -> None:
    result = read(*samples)
    assert json.loads(json.dumps(result.values, allow_nan=False)) == result.values
    assert result.register_wh == result.values["energy_import_wh"]
    for key, value in result.values.items():
        assert value is None or value >= 0 or key.startswith(("power", "current", "reactive", "temperature"))
