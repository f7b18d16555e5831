"""Words about a connector. A table to be read by eye: word, versions and severity, then what it means, then what to do.

Statuses are those of 1.6 (7.7) and 2.0.1 (3.23), error codes those of 1.6 (7.6).
"""

from __future__ import annotations

from typing import Final

STATUSES: Final = """
Available | 1.6 2.0.1 2.1 | ok
  The connector is free for a new driver.
  Nothing; if a car is plugged in all the same, push the plug in fully at both ends.
Preparing | 1.6 | ok
  Somebody has begun: a cable, a tag, a remote start or a car in the bay; charging has not begun.
  Present a tag or plug the cable in, whichever is missing; if it stays like this, check that the tag is accepted.
Charging | 1.6 | ok
  The contactor is closed and the car may take energy; the power can still be 0 W.
  Nothing; if the power stays at 0 W, look at the car's own charging timer.
SuspendedEV | 1.6 | ok
  The charger offers energy and the car takes none: it is full, waits for its timer, or is not ready.
  Look at the car: state of charge, charging timer, messages in its display.
SuspendedEVSE | 1.6 | notice
  The car is connected and the charger offers no energy: a power limit, load management or a refused tag.
  Look for a limit of 0 A by load management or the operator, and check that the tag is accepted.
Finishing | 1.6 | ok
  The transaction is over, and the cable or the car is still there.
  Unplug the cable; a new session begins with a tag or with the cable plugged in again.
Reserved | 1.6 2.0.1 2.1 | ok
  The connector is kept for one driver.
  Present the tag of the reservation, or let the operator cancel it.
Unavailable | 1.6 2.0.1 2.1 | notice
  The connector is out of service, by the operator or by the charger itself: an update, a restart, not accepted yet.
  Let the operator make it available again; after an update or restart wait a few minutes.
Faulted | 1.6 2.0.1 2.1 | error
  A fault prevents charging at this connector.
  Read the error code beside it; if it stays after the cause is removed, switch the charger off and on again.
Occupied | 1.5 2.0.1 2.1 | ok
  The connector is in use; whether a car is charging stands elsewhere, in 2.x in the charging state.
  Nothing; if a 1.6 charger says so, its firmware is old: update it.
"""

CHARGING_STATES: Final = """
Charging | 2.0.1 2.1 | ok
  The contactor is closed and energy flows.
  Nothing.
EVConnected | 2.0.1 2.1 | ok
  The car is connected and the power path is open: the transaction has not begun to charge, or has ended.
  Present a tag if charging should begin, or unplug the cable if it is over.
SuspendedEV | 2.0.1 2.1 | ok
  The charger offers energy and the car takes none.
  Look at the car: state of charge, charging timer, messages in its display.
SuspendedEVSE | 2.0.1 2.1 | notice
  The car is connected and the charger offers no energy.
  Look for a limit of 0 A by load management or the operator, and check that the tag is accepted.
Idle | 2.0.1 2.1 | ok
  A transaction is open and no car is connected.
  Plug the cable in at both ends.
"""

ERROR_CODES: Final = """
NoError | 1.6 | ok
  The charger has nothing to report.
  Nothing.
ConnectorLockFailure | 1.6 | error
  The plug cannot be locked or unlocked.
  Push the plug in fully, free the lock of dirt and ice, then plug in again.
EVCommunicationError | 1.6 | warning
  The charger and the car do not understand each other; on its own this is a warning.
  Unplug, wait a minute and plug in again; then try another cable and another car.
GroundFailure | 1.6 | error
  The protection against earth leakage has tripped.
  Do not reset it blindly: have an electrician measure insulation and protective earth, with car and cable unplugged.
HighTemperature | 1.6 | error
  It is too hot inside the charger.
  Free the air inlets and shade the charger; let an electrician check terminals and plug for heat.
InternalError | 1.6 | error
  A part inside the charger, or its firmware, has failed.
  Switch the charger off and on again; if it comes back, update the firmware and call the maker's service.
LocalListConflict | 1.6 | notice
  The operator's answer about a tag contradicts the list of tags in the charger.
  Let the operator send the local list anew.
OtherError | 1.6 | warning
  A fault of the maker's own: vendorErrorCode holds the maker's code.
  Look that code up in the charger's manual, or ask the maker's service.
OverCurrentFailure | 1.6 | error
  The protection against too much current has tripped.
  Unplug the car and switch the protection on again; if it trips without a car, call an electrician.
OverVoltage | 1.6 | error
  The supply voltage is too high.
  Have an electrician measure the voltage of each phase and check the neutral.
PowerMeterFailure | 1.6 | warning
  The meter in the charger cannot be read, so energy is not counted.
  Check cable and address of the meter; until it reads again, sessions may not be billed.
PowerSwitchFailure | 1.6 | error
  The contactor does not switch as it should; it may be welded.
  Switch the charger off at the breaker and call an electrician: the socket may be live.
ReaderFailure | 1.6 | warning
  The reader of tags has failed.
  Switch the charger off and on again; until the reader works, start sessions remotely.
ResetFailure | 1.6 | warning
  The charger could not restart when it was told to.
  Switch it off and on again at the breaker.
UnderVoltage | 1.6 | error
  The supply voltage is too low.
  Have an electrician measure each phase under load and check the terminals; a phase may be missing.
WeakSignal | 1.6 | notice
  The charger's mobile or wireless signal is weak.
  Move its antenna, or connect the charger by cable.
Unknown | MQTT | error
  The charger says Faulted and gives no error code.
  Read its display and its own log; switch it off and on again if nothing else is found.
"""

CONDITIONS: Final = """
available | MQTT | ok
  Free for a new driver.
  Nothing.
preparing | MQTT | ok
  Somebody has begun, and charging has not.
  Present a tag or plug the cable in, whichever is missing.
charging | MQTT | ok
  The car may take energy.
  Nothing.
suspended_ev | MQTT | ok
  In a session, and the car takes no energy.
  Look at the car.
suspended_evse | MQTT | notice
  In a session, and the charger offers no energy.
  Look for a limit of 0 A.
finishing | MQTT | ok
  The session is over and the cable is still in; also where the charger says Preparing after a session's end.
  Unplug the cable.
reserved | MQTT | ok
  Kept for one driver.
  Present the tag of the reservation.
occupied | MQTT | ok
  In use, and the charger does not say how.
  Nothing.
unavailable | MQTT | notice
  Out of service.
  Let the operator make it available again.
faulted | MQTT | error
  A fault prevents charging.
  Read charger/<id>/faults, and ask `evgate explain` for the error code.
unknown | MQTT | notice
  The charger has not reported this connector, or used a word that OCPP does not know.
  Read the raw status beside it; a charger that never reports needs a restart or a firmware update.
"""

STALE_REASONS: Final = """
charger_offline | MQTT | warning
  The charger is not connected, so this is the last that was heard.
  Check its power and network, then `evgate status`.
unconfirmed | MQTT | notice
  The charger is connected again, and has not told the status of this connector yet.
  Wait two minutes for the gateway to ask; a charger that cannot be asked tells it with its next change or restart.
restored_after_restart | MQTT | notice
  The gateway has restarted, and the charger has not confirmed this yet.
  Wait a minute; if it stays, the charger does not report by itself: restart it.
clock | MQTT | warning
  The charger's last report is dated before this state: it waited in a queue, or the charger's clock was set back.
  Wait for the next report; if this comes again and again, set the charger's clock right.
"""
