"""What keeps a simulated charger busy: dial again when the link breaks, boot, heartbeats, sessions."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from gateway.sim.charger import SimCharger
from gateway.sim.endings import cancel
from gateway.sim.errors import CallFailed, CallTimeout, Disconnected, SimError

# The first retry comes soon, because somebody is watching; the cap keeps a wrong address cheap.
BACKOFF_FIRST_S = 1.0
BACKOFF_LIMIT_S = 30.0


async def keep_connected(
    charger: SimCharger,
    live: Callable[[SimCharger], Awaitable[None]],
    *,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Dial, boot, `live`; after a broken link dial again, with doubling pauses. Ends when `live` returns.

    The link stays open at the end and on cancellation, so that frames under way still arrive.
    """
    backoff_s = BACKOFF_FIRST_S
    while True:
        try:
            await charger.connect()
            say(f"{charger.identity} connected, subprotocol {charger.subprotocol or 'not named'}")
            await boot_until_accepted(charger)
            backoff_s = BACKOFF_FIRST_S
            await _live_with_heartbeats(charger, live)
            return
        except SimError as error:
            say(f"{charger.identity}: {error}")
            await charger.close()
        pause_s = random.uniform(0.5, 1.0) * backoff_s
        backoff_s = min(2 * backoff_s, BACKOFF_LIMIT_S)
        say(f"{charger.identity} dials again in {pause_s:.1f} s")
        await asyncio.sleep(pause_s)


async def boot_until_accepted(charger: SimCharger) -> None:
    """BootNotification until it is accepted, then the status of every connector (1.6, 4.2)."""
    while True:
        await charger.boot()
        if charger.registration == "Accepted":
            break
        # Interval 0 leaves the pause to the charger.
        await asyncio.sleep(charger.interval_s or BACKOFF_LIMIT_S)
    await charger.statuses()


async def stay(charger: SimCharger) -> None:
    """Do nothing but answer, until the link ends."""
    raise Disconnected(*await charger.link.wait_closed(timeout_s=None))


async def sessions(charger: SimCharger, *, pause_s: float = 2.0, rounds: int | None = None) -> None:
    """Sessions on each connector in turn, `rounds` times or for ever; on odd connectors the car pauses.

    A transaction that a broken link left behind is ended first. Disconnected when the link breaks.
    """
    for number, place in charger.connectors.items():
        if place.transaction is not None:
            await charger.finish(number, pause_s=pause_s)
    done = 0
    while rounds is None or done < rounds:
        for number in range(1, len(charger.connectors)):
            try:
                await charger.session(number, f"TAG-{number}", suspend=number % 2 == 1, pause_s=pause_s)
            except (CallFailed, CallTimeout):
                # Refused or left alone once: a charger goes on, but not in a hurry.
                charger.connectors[number].transaction = None
                await asyncio.sleep(max(pause_s, BACKOFF_FIRST_S))
            await asyncio.sleep(pause_s)
        done += 1


async def _live_with_heartbeats(charger: SimCharger, live: Callable[[SimCharger], Awaitable[None]]) -> None:
    beats = asyncio.create_task(_heartbeats(charger))
    try:
        await live(charger)
    finally:
        await cancel(beats)


async def _heartbeats(charger: SimCharger) -> None:
    while charger.interval_s > 0:
        await asyncio.sleep(charger.interval_s)
        await charger.heartbeat()
