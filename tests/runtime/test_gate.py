"""One gate per upstream host."""

from __future__ import annotations

import asyncio

from gateway.runtime.gate import AT_ONCE, HostGate
from tests.turns import one_turn


class Crowd:
    """Tasks that go through a gate and stay inside until they are let go; `order` is how they came in."""

    def __init__(self, gate: HostGate) -> None:
        self.gate = gate
        self.inside = 0
        self.most = 0
        self.order: list[int] = []
        self.leave: asyncio.Queue[bool] = asyncio.Queue()

    async def dial(self, number: int) -> None:
        async with self.gate.turn():
            self.inside += 1
            self.order.append(number)
            self.most = max(self.most, self.inside)
            self.gate.answered(reachable=await self.leave.get())
            self.inside -= 1

    async def settle(self) -> None:
        for _ in range(50):
            await one_turn()


async def test_only_so_many_at_once_and_everybody_in_order() -> None:
    crowd = Crowd(HostGate())
    tasks = [asyncio.create_task(crowd.dial(number)) for number in range(3 * AT_ONCE)]
    await crowd.settle()
    assert crowd.inside == AT_ONCE
    for _ in tasks:
        crowd.leave.put_nowait(True)
    await asyncio.gather(*tasks)
    assert crowd.most == AT_ONCE
    assert crowd.order == sorted(crowd.order)


async def test_failing_host_is_asked_by_one_at_a_time_until_it_answers() -> None:
    gate = HostGate()
    gate.answered(reachable=False)
    crowd = Crowd(gate)
    tasks = [asyncio.create_task(crowd.dial(number)) for number in range(5)]
    await crowd.settle()
    assert crowd.inside == 1
    crowd.leave.put_nowait(False)
    await crowd.settle()
    assert crowd.inside == 1
    crowd.leave.put_nowait(True)
    await crowd.settle()
    assert crowd.inside == 3
    for _ in range(3):
        crowd.leave.put_nowait(True)
    await asyncio.gather(*tasks)
    assert crowd.order == list(range(5))


async def test_whoever_gives_up_waiting_holds_nobody_up() -> None:
    gate = HostGate()
    gate.answered(reachable=False)
    crowd = Crowd(gate)
    tasks = [asyncio.create_task(crowd.dial(number)) for number in range(3)]
    await crowd.settle()
    tasks[1].cancel()
    crowd.leave.put_nowait(True)
    crowd.leave.put_nowait(True)
    await asyncio.gather(tasks[0], tasks[2])
    assert crowd.order == [0, 2]


async def test_a_dial_that_is_cancelled_frees_its_turn() -> None:
    gate = HostGate()
    gate.answered(reachable=False)
    crowd = Crowd(gate)
    first = asyncio.create_task(crowd.dial(1))
    second = asyncio.create_task(crowd.dial(2))
    await crowd.settle()
    first.cancel()
    await crowd.settle()
    assert crowd.order == [1, 2]
    crowd.leave.put_nowait(True)
    await second
