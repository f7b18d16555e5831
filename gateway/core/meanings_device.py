"""Parts and variables in events of 2.x that mean trouble: word, versions and severity, then meaning, then what to do.

From the device model of 2.0.1 (appendix 3.2). `-` stands for no severity of its own.
"""

from __future__ import annotations

from typing import Final

COMPONENTS: Final = """
AcDcConverter | 2.0.1 2.1 | -
  The rectifier of a DC charger.
  Check its cooling and supply; call the maker's service.
AirCoolingSystem | 2.0.1 2.1 | -
  The fans.
  Clean filters and inlets, and see whether the fans turn.
CableBreakawaySensor | 2.0.1 2.1 | -
  It tells that the cable was torn off.
  Switch the charger off, and check cable and holder before it is used again.
CaseAccessSensor | 2.0.1 2.1 | -
  It tells that the case is open.
  Close the case; if nobody opened it, look for a break-in.
CHAdeMOCtrlr | 2.0.1 2.1 | -
  The part that talks with the car over CHAdeMO.
  Unplug, wait a minute and plug in again; then try another car.
ChargingStation | 2.0.1 2.1 | -
  The charger as a whole.
  Look at the variable that is named with it.
Connector | 2.0.1 2.1 | -
  The socket or the cable with its plug.
  Look at the plug for dirt, heat and damage.
ConnectorPlugRetentionLock | 2.0.1 2.1 | -
  The lock of the plug.
  Push the plug in fully, free the lock of dirt and ice, then plug in again.
ControlMetering | 2.0.1 2.1 | -
  The meter by which the charger controls its power.
  Check cable and address of the meter.
Controller | 2.0.1 2.1 | -
  The computer inside the charger.
  Switch the charger off and on again; update the firmware.
CPPWMController | 2.0.1 2.1 | -
  The part that signals to the car how much current it may take.
  Unplug, wait a minute and plug in again; then try another cable.
DataLink | 2.0.1 2.1 | -
  The charger's network: mobile, wireless or cable.
  Check antenna, SIM card and cable.
ElectricalFeed | 2.0.1 2.1 | -
  The supply of the charger.
  Have an electrician measure the voltage of each phase.
ELVSupply | 2.0.1 2.1 | -
  The low-voltage supply inside the charger.
  Call the maker's service.
EmergencyStopSensor | 2.0.1 2.1 | -
  The emergency stop.
  Find out why it was pressed before you release it.
EVSE | 2.0.1 2.1 | -
  One charging point with all its connectors.
  Look at the variable that is named with it.
FiscalMetering | 2.0.1 2.1 | -
  The meter that counts for the bill.
  Check cable and address of the meter; until it reads again, sessions may not be billed.
FloodSensor | 2.0.1 2.1 | -
  It tells that there is water in the charger.
  Switch it off at the breaker, and have it dried and checked.
GroundIsolationProtection | 2.0.1 2.1 | -
  It watches the insulation against earth.
  Have an electrician measure the insulation, with car and cable unplugged.
ISO15118Ctrlr | 2.0.1 2.1 | -
  The part that talks with the car over ISO 15118.
  Unplug, wait a minute and plug in again; check the certificates.
LiquidCoolingSystem | 2.0.1 2.1 | -
  The liquid cooling.
  Check its level and pump.
OverCurrentProtection | 2.0.1 2.1 | -
  The protection against too much current.
  Unplug the car and switch it on again; if it trips without a car, call an electrician.
PowerContactor | 2.0.1 2.1 | -
  The contactor that connects the car with the supply.
  If it is welded, the socket may be live: switch the charger off at the breaker and call an electrician.
RCD | 2.0.1 2.1 | -
  The protection against earth leakage.
  Do not reset it blindly: have an electrician measure insulation and protective earth.
ShockSensor | 2.0.1 2.1 | -
  It tells that something hit the charger.
  Look for damage before it is used again.
TemperatureSensor | 2.0.1 2.1 | -
  It tells how hot the charger is inside.
  Free the air inlets and shade the charger; let an electrician check the terminals for heat.
TiltSensor | 2.0.1 2.1 | -
  It tells that the charger does not stand upright.
  Look whether it was run into; check its foundation before it is used again.
TokenReader | 2.0.1 2.1 | -
  The reader of tags.
  Switch the charger off and on again; until the reader works, start sessions remotely.
"""

VARIABLES: Final = """
ACVoltage | 2.0.1 2.1 | warning
  A voltage is outside its limits.
  Have an electrician measure each phase under load.
Active | 2.0.1 2.1 | warning
  The part is at work; of a sensor such as the emergency stop: it has triggered.
  Look at the part that is named with it.
AvailabilityState | 2.0.1 2.1 | -
  The status of a connector, told as an event.
  Look up its value: Available, Occupied, Reserved, Unavailable or Faulted.
CurrentImbalance | 2.0.1 2.1 | warning
  The phases carry unequal currents.
  Have an electrician check the connection of each phase.
Overload | 2.0.1 2.1 | error
  More is drawn than the part can stand.
  Lower the limit, and check what else hangs on the supply.
Problem | 2.0.1 2.1 | error
  Something is wrong with the part.
  Look at the part that is named with it, and at its technical code.
Tripped | 2.0.1 2.1 | error
  The part has switched off to protect, and must be reset on site.
  Remove the cause, then reset it at the charger.
VoltageImbalance | 2.0.1 2.1 | warning
  The phases have unequal voltages.
  Have an electrician check supply and neutral.
"""
