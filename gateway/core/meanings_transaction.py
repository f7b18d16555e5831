"""Words about transactions, tags and messages: word, versions and severity, then what it means, then what to do.

CALLERROR codes are those of OCPP-J (1.6: section 4.2.3), all else of the enumerations of OCPP 1.6, 2.0.1 and 2.1.
"""

from __future__ import annotations

from typing import Final

STOP_REASONS: Final = """
DeAuthorized | 1.6 2.0.1 2.1 | notice
  The operator did not accept the tag after charging had begun.
  Check the tag with the operator.
EmergencyStop | 1.6 2.0.1 2.1 | error
  The emergency stop was pressed.
  Find out why before you release it; then restart the session.
EnergyLimitReached | 2.0.1 2.1 | ok
  The agreed amount of energy was delivered.
  Nothing.
EVDisconnected | 1.6 2.0.1 2.1 | ok
  The cable was pulled at the car.
  Nothing; if nobody pulled it, check plug and cable for a bad contact.
GroundFault | 2.0.1 2.1 | error
  The protection against earth leakage has tripped.
  Have an electrician measure insulation and protective earth, with car and cable unplugged.
HardReset | 1.6 | notice
  The charger was told to restart at once.
  Nothing, if somebody asked for it.
ImmediateReset | 2.0.1 2.1 | notice
  The charger was told to restart at once.
  Nothing, if somebody asked for it.
Local | 1.6 2.0.1 2.1 | ok
  The driver ended it at the charger: tag, button or cable.
  Nothing.
LocalOutOfCredit | 2.0.1 2.1 | notice
  The credit that the charger knew of was used up.
  Let the driver pay, or top the account up.
MasterPass | 2.0.1 2.1 | notice
  Somebody ended it with a tag that may end every session.
  Ask whoever holds such a tag.
Other | 1.6 2.0.1 2.1 | notice
  A reason for which OCPP has no word.
  Look at the charger's own log.
OvercurrentFault | 2.0.1 2.1 | error
  The car drew too much current.
  Unplug the car, reset the protection, and try another car.
PowerLoss | 1.6 2.0.1 2.1 | warning
  The charger lost its supply.
  Check breaker and supply.
PowerQuality | 2.0.1 2.1 | warning
  The supply was outside its limits: voltage, frequency or a missing phase.
  Have an electrician measure the supply under load.
Reboot | 1.6 2.0.1 2.1 | warning
  The charger restarted by itself.
  If it happens again, update the firmware and check the supply.
Remote | 1.6 2.0.1 2.1 | ok
  The operator ended it.
  Nothing.
ReqEnergyTransferRejected | 2.1 | notice
  The car asked for a kind of charging that is not offered here.
  Choose another kind of charging in the car.
SOCLimitReached | 2.0.1 2.1 | ok
  The agreed state of charge was reached.
  Nothing.
SoftReset | 1.6 | notice
  The charger was told to end its sessions and restart.
  Nothing, if somebody asked for it.
StoppedByEV | 2.0.1 2.1 | ok
  The car ended it.
  Look at the car if it should go on.
TimeLimitReached | 2.0.1 2.1 | ok
  The agreed time is over.
  Nothing.
Timeout | 2.0.1 2.1 | notice
  The cable was not plugged in, or the tag not shown, in time.
  Begin anew, and plug the cable in soon after the tag.
UnlockCommand | 1.6 | notice
  The operator unlocked the plug, which ends the session.
  Nothing, if somebody asked for it.
unknown | MQTT | notice
  The session is over, and nobody told when or why: the charger has forgotten it.
  Check the charger's supply; compare the energy with its meter.
"""

TRIGGER_REASONS: Final = """
AbnormalCondition | 2.0.1 2.1 | warning
  Something out of the ordinary happened in the charger.
  Look at its faults and its own log.
Authorized | 2.0.1 2.1 | ok
  A tag was accepted.
  Nothing.
CablePluggedIn | 2.0.1 2.1 | ok
  A cable was plugged in, and the car is seen.
  Nothing.
ChargingRateChanged | 2.0.1 2.1 | ok
  The power changed by much.
  Nothing.
ChargingStateChanged | 2.0.1 2.1 | ok
  The charging state changed.
  Nothing.
CostLimitReached | 2.1 | ok
  The agreed cost was reached.
  Nothing.
Deauthorized | 2.0.1 2.1 | notice
  The tag is not accepted any more.
  Check the tag with the operator.
EnergyLimitReached | 2.0.1 2.1 | ok
  The agreed amount of energy was delivered.
  Nothing.
EVCommunicationLost | 2.0.1 2.1 | warning
  The charger does not hear the car any more.
  Check plug and cable; if nobody pulled it, try another cable.
EVConnectTimeout | 2.0.1 2.1 | notice
  The cable was not plugged in soon enough after the tag.
  Present the tag again, and plug in at once.
EVDeparted | 2.0.1 2.1 | ok
  The car has left the bay.
  Nothing.
EVDetected | 2.0.1 2.1 | ok
  A car stands in the bay.
  Nothing.
LimitSet | 2.1 | ok
  A limit for the transaction was set.
  Nothing.
MeterValueClock | 2.0.1 2.1 | ok
  A reading at a full interval of the clock.
  Nothing.
MeterValuePeriodic | 2.0.1 2.1 | ok
  A reading at the agreed interval.
  Nothing.
OperationModeChanged | 2.1 | ok
  The car charges or discharges in another mode now.
  Nothing.
RemoteStart | 2.0.1 2.1 | ok
  The operator began it.
  Nothing.
RemoteStop | 2.0.1 2.1 | ok
  The operator ended it.
  Nothing.
ResetCommand | 2.0.1 2.1 | notice
  The charger was told to restart.
  Nothing, if somebody asked for it.
RunningCost | 2.1 | ok
  The cost so far is told.
  Nothing.
SignedDataReceived | 2.0.1 2.1 | ok
  The meter gave a signed reading.
  Nothing.
SoCLimitReached | 2.1 | ok
  The agreed state of charge was reached.
  Nothing.
StopAuthorized | 2.0.1 2.1 | ok
  The driver ended it with a tag or a button.
  Nothing.
TariffChanged | 2.1 | ok
  Another tariff holds from now on.
  Nothing.
TariffNotAccepted | 2.1 | notice
  The driver did not accept the tariff.
  Nothing.
TimeLimitReached | 2.0.1 2.1 | ok
  The agreed time is over.
  Nothing.
Trigger | 2.0.1 2.1 | ok
  The charger was asked to tell.
  Nothing.
TxResumed | 2.1 | ok
  The transaction goes on after the charger restarted.
  Nothing.
UnlockCommand | 2.0.1 2.1 | notice
  The operator unlocked the plug.
  Nothing, if somebody asked for it.
"""

AUTHORIZATIONS: Final = """
Accepted | 1.6 2.0.1 2.1 | ok
  The tag may charge.
  Nothing.
Blocked | 1.6 2.0.1 2.1 | notice
  The tag is known, and barred.
  Ask the operator.
ConcurrentTx | 1.6 2.0.1 2.1 | notice
  The tag is in use in another session.
  End the other session, or let the operator close one that hangs.
Expired | 1.6 2.0.1 2.1 | notice
  The tag was valid once.
  Ask the operator for a new one.
Invalid | 1.6 2.0.1 2.1 | notice
  The tag is not known.
  Check that it is registered with this operator, exactly as the charger reads it.
NoCredit | 2.0.1 2.1 | notice
  The account has no credit left.
  Top the account up.
NotAllowedTypeEVSE | 2.0.1 2.1 | notice
  The tag may not be used at this kind of charging point.
  Use another connector, or ask the operator.
NotAtThisLocation | 2.0.1 2.1 | notice
  The tag may not be used at this site.
  Ask the operator.
NotAtThisTime | 2.0.1 2.1 | notice
  The tag may not be used at this time of day.
  Try later, or ask the operator.
Unknown | 2.0.1 2.1 | notice
  The tag is not known.
  Check that it is registered with this operator.
"""

REGISTRATIONS: Final = """
Accepted | 1.6 2.0.1 2.1 | ok
  The operator takes the charger into service.
  Nothing.
Pending | 1.6 2.0.1 2.1 | notice
  The operator wants to set the charger up before it serves anybody.
  Wait; if it lasts, ask the operator to finish the setup.
Rejected | 1.6 2.0.1 2.1 | error
  The operator does not take this charger.
  Check identity and serial number with the operator; the charger asks again by itself.
"""

CALL_ERRORS: Final = """
FormationViolation | 1.6 | warning
  The payload is not well formed; in 1.6 the word is spelled like this.
  See the message in `evgate log`, and give it to the maker of whoever sent it.
FormatViolation | 2.0.1 2.1 | warning
  The payload is not well formed.
  See the message in `evgate log`, and give it to the maker of whoever sent it.
GenericError | 1.6 2.0.1 2.1 | warning
  Something else went wrong.
  Read its description in `evgate log`.
InternalError | 1.6 2.0.1 2.1 | warning
  The receiver failed while it worked on the message.
  Look at the receiver's own log.
MessageTypeNotSupported | 2.0.1 2.1 | notice
  The receiver does not know this type of message.
  Check that both sides speak the same OCPP version.
NotImplemented | 1.6 2.0.1 2.1 | notice
  The receiver does not know this action.
  Nothing, unless the function is needed: then update the firmware.
NotSupported | 1.6 2.0.1 2.1 | notice
  The receiver knows this action, and does not support it.
  Nothing, unless the function is needed: then ask the maker.
OccurenceConstraintViolation | 1.6 2.0.1 | warning
  A field is missing, or there too often; 1.6 and early 2.0.1 spell the word like this.
  See the message in `evgate log`, and give it to the maker of whoever sent it.
OccurrenceConstraintViolation | 2.0.1 2.1 | warning
  A field is missing, or there too often.
  See the message in `evgate log`, and give it to the maker of whoever sent it.
PropertyConstraintViolation | 1.6 2.0.1 2.1 | warning
  A field has a value that is not allowed.
  See the message in `evgate log`, and give it to the maker of whoever sent it.
ProtocolError | 1.6 2.0.1 2.1 | warning
  The message is incomplete or not built as OCPP wants.
  See the message in `evgate log`, and give it to the maker of whoever sent it.
RpcFrameworkError | 2.0.1 2.1 | warning
  What came is no OCPP message: its id cannot be read.
  See the message in `evgate log`, and give it to the maker of whoever sent it.
SecurityError | 1.6 2.0.1 2.1 | warning
  Not allowed, or the charger is not accepted yet.
  Check the registration status of the charger and its credentials.
TypeConstraintViolation | 1.6 2.0.1 2.1 | warning
  A field has the wrong type, such as a text for a number.
  See the message in `evgate log`, and give it to the maker of whoever sent it.
"""
