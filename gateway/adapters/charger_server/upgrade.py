"""The HTTP side of a charger's connection: what it asks, who decides, what it hears."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import MultipleValuesError
from websockets.exceptions import InvalidHandshake
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from gateway.adapters.charger_server.connection import ChargerConnection
from gateway.core.events import Arrival
from gateway.core.identity import BadTarget, read_identity
from gateway.core.redact import excerpt
from gateway.core.subprotocols import SUPPORTED, read_offer
from gateway.runtime.ports import Admitted, Refused

VERDICT_TIMEOUT_S: Final = 30.0
"""Behind the door a verdict takes some seconds at most. This only keeps a fault there from filling the doorstep."""

RETRY_AFTER_S: Final = 30
"""Soon enough for a driver who waits, and seldom enough for an upstream that just came back."""

_OFFER = "Sec-WebSocket-Protocol"
_UPGRADE_HEADERS = ("Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version", _OFFER)


async def answer(connection: ServerConnection, request: Request) -> Response | None:
    """The HTTP answer to a request; None is the 101 that `select_subprotocol` completes."""
    assert isinstance(connection, ChargerConnection)
    outcome = await _decide(connection, request)
    if connection.is_gone:
        # The library takes a lost connection for an end, and a half-closed one for a fault of ours.
        connection.transport.abort()
        await connection.wait_closed()
        if isinstance(outcome, Admitted):
            await connection.enter(outcome)
        return connection.respond(503, "")
    if isinstance(outcome, Admitted):
        connection.admitted = outcome
        return None
    return outcome


def select_subprotocol(connection: ServerConnection, _offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """The verdict's choice, whatever the charger offered."""
    assert isinstance(connection, ChargerConnection)
    chosen = connection.admitted.subprotocol if connection.admitted is not None else None
    return Subprotocol(chosen) if chosen is not None else None


async def _decide(connection: ChargerConnection, request: Request) -> Response | Admitted:
    """Admitted, or the answer to who is not."""
    offered = read_offer(request.headers.get_all(_OFFER))
    if _OFFER in request.headers:
        # In order for the library, which answers 400 to a list that is not.
        del request.headers[_OFFER]
        if offered:
            request.headers[_OFFER] = ", ".join(offered)
    flaw = _flaw(connection, request)
    if flaw is not None:
        return flaw
    identity = read_identity(request.path)
    if isinstance(identity, BadTarget):
        connection.tell("bad_identity", identity.reason)
        return connection.respond(404 if identity.missing else 400, f"{identity.reason}\n")
    arrival = Arrival(
        identity=identity.text,
        remote=connection.remote,
        offered=offered,
        authorization=request.headers.get("Authorization") or None,
        listener=f"{connection.scheme}://{connection.listener}",
    )
    verdict = await _verdict(connection, arrival)
    return verdict if isinstance(verdict, Admitted) else _refusal(connection, verdict)


async def _verdict(connection: ChargerConnection, arrival: Arrival) -> Admitted | Refused:
    """Ask at the door; a charger that goes away meanwhile cancels the question."""
    asking = asyncio.create_task(connection.doorstep.doors.arrive(arrival))
    watched: set[asyncio.Future[Any]] = {asking, connection.connection_lost_waiter}
    try:
        await asyncio.wait(watched, timeout=VERDICT_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        asking.cancel()
    await asyncio.wait({asking})
    return Refused(503, "the gateway is too busy, try again") if asking.cancelled() else asking.result()


def _refusal(connection: ChargerConnection, refused: Refused) -> Response:
    response = connection.respond(refused.status, f"{refused.text}\n")
    if refused.status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="ocpp"'
    elif refused.status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


def _flaw(connection: ChargerConnection, request: Request) -> Response | None:
    """The answer to what is no proper upgrade, so that nobody is asked about it."""
    if not any(name in request.headers for name in _UPGRADE_HEADERS):
        port = connection.local_address[1]
        text = (
            f"OCPP chargers connect to {connection.scheme}://<this host>:{port}/<any prefix>/<identity> "
            f"by WebSocket with one of {', '.join(SUPPORTED)}"
        )
        connection.tell("plain_http", f"plain HTTP, no WebSocket upgrade: {text}")
        response = connection.respond(426, f"This is an OCPP gateway and no web site. {text}.\n")
        response.headers["Upgrade"] = "websocket"
        return response
    try:
        connection.protocol.process_request(request)
        request.headers.get("Authorization")
    except (InvalidHandshake, MultipleValuesError) as error:
        flaw = excerpt(str(error), 120)
        hint = "update the charger's firmware, or look for a proxy in between that changes headers"
        connection.tell("broken_upgrade", f"WebSocket upgrade with a flaw ({flaw}): {hint}")
        response = connection.respond(400, f"The WebSocket upgrade has a flaw: {flaw}.\n")
        response.headers["Sec-WebSocket-Version"] = "13"
        return response
    return None
