"""Any byte string on the port leaves the process and the other stations as they were."""

from __future__ import annotations

import asyncio

from hypothesis import example, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import connect

from tests.adapters.charger_house import MAX_FRAME, house, newest
from tests.adapters.wire import CLOSE, frame, request, wire
from tests.counts import SOCKET_EXAMPLES


def openings() -> st.SearchStrategy[bytes]:
    """Byte strings from pure noise to almost right."""
    noise = st.binary(max_size=300)
    lines = st.lists(st.sampled_from([*request().split(b"\r\n"), b"X: \xff", b" folded", b":", b""]), max_size=9)
    heads = st.one_of(st.just(request()), st.just(request("/")), lines.map(b"\r\n".join))
    frames = st.lists(
        st.builds(
            frame,
            st.integers(0, 15),
            st.binary(max_size=130),
            fin=st.booleans(),
            announced=st.sampled_from([None, None, 0, 125, 126, MAX_FRAME, MAX_FRAME + 1]),
        ),
        max_size=6,
    ).map(b"".join)
    return st.one_of(noise, st.tuples(heads, st.one_of(frames, noise)).map(b"".join))


@given(st.lists(openings(), min_size=1, max_size=4), st.booleans())
@settings(max_examples=SOCKET_EXAMPLES)
@example([request() + frame(CLOSE), request() + b"\xff", request("/") + b"\xff\xff"], False)
def test_no_bytes_disturb_the_others(strangers: list[bytes], politely: bool) -> None:
    async def story() -> None:
        noise: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: noise.append(context))
        async with house() as served, connect(served.url, proxy=None, compression=None) as old:
            inside = await served.doors.next_inside()
            for sent in strangers:
                async with wire(served.port) as stranger:
                    stranger.send(sent)
                    if politely:
                        stranger.writer.write_eof()
                        await stranger.rest()
                    await old.send("still here")
                    assert await inside.next_text() == "still here"
            async with connect(served.url, proxy=None, compression=None) as new:
                await new.send("me too")
                assert await (await newest(served)).next_text() == "me too"
            assert inside.endings == []
        assert noise == []

    asyncio.run(story())
