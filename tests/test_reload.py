"""SIGHUP: the configuration is checked first; what is wrong with it changes nothing, what is right holds at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway import configured
from gateway.core.reports import BootReported
from gateway.reload import Reload, tell_upstreams
from gateway.runtime.gate import HostGate
from gateway.runtime.report import NO_UPSTREAM, Surroundings
from gateway.settings import load_or_last_good, load_present, resolve_what_can_be
from tests.runtime.house import House, until
from tests.settings.pems import CERTIFICATE
from tests.settings.site import write_site

SITE = """
[site]
id = "depot3"
[[upstream]]
name = "operator"
url = "ws://127.0.0.1:1/ocpp"
"""
CHARGER = '[[charger]]\nidentity = "CP01"\n'
KEEP = "evgate goes on with the configuration that it has: correct this, then systemctl reload evgate"
BROKEN = '[chargers]\nunknwon = "accept"\n'


@pytest.fixture(autouse=True)
def level() -> Iterator[None]:
    """A reload sets the level of the process; the next test gets it back."""
    log = logging.getLogger("gateway")
    before = log.level
    yield
    log.setLevel(before)


@dataclass
class Running:
    """A daemon's worth of parts around real files."""

    folder: Path
    main: str = SITE
    drop_ins: Mapping[str, str] = field(default_factory=dict)
    house: House = field(default_factory=House)
    told: list[str] = field(default_factory=list)
    reload: Reload = field(init=False)

    def __post_init__(self) -> None:
        self.state = self.folder / "state"
        self.state.mkdir()
        self.environ = {"STATE_DIRECTORY": str(self.state)}
        path = write_site(self.folder, self.main, self.drop_ins)
        self.loaded = load_present(path, self.environ)
        found = resolve_what_can_be(self.loaded.settings, self.environ)
        gates: dict[str, HostGate] = {}
        stations = self.house.stations
        stations.directory = configured.directory(found.settings, found.lacks)
        stations.upstreams = configured.upstreams(found.settings, found.lacks, gates)
        self.around = Surroundings("evgate/depot3", "/db", lambda: ())
        self.around.lost = tuple(lost.sentence for lost in found.lost)
        tell_upstreams(self.around, found)
        self.reload = Reload(
            path=path,
            environ=self.environ,
            running=found,
            clock=self.house.clock,
            notes=self.house.notes,
            stations=stations,
            timekeeping=self.house.timekeeping,
            surroundings=self.around,
            gates=gates,
            changed=lambda: self.told.append("changed"),
        )

    async def edit(self, text: str, name: str = "site.toml") -> bool:
        """A drop-in is written, and the daemon is told."""
        write_site(self.folder, self.main, {name: text})
        return await self.reload.reload()

    def known(self) -> list[str]:
        """Who is known now."""
        return list(self.house.known())


async def running(folder: Path, main: str = SITE, drop_ins: Mapping[str, str] | None = None) -> Running:
    """Everything has started."""
    one = Running(folder, main, drop_ins or {})
    await one.house.stations.start()
    return one


async def test_a_charger_is_added_and_taken_out(tmp_path: Path) -> None:
    site = await running(tmp_path)
    assert await site.edit(CHARGER)
    assert site.known() == ["CP01"]
    assert site.around.files == (str(tmp_path / "gateway.toml"), str(tmp_path / "conf.d" / "site.toml"))
    [named] = site.house.stations.directory.configured.values()
    assert named.where == str(tmp_path / "conf.d" / "site.toml")
    assert await site.edit("")
    assert site.known() == []
    assert site.told == ["changed", "changed"]
    assert site.house.notes.counters["configuration_reloaded"] == 2
    await site.house.stations.stop()


async def test_a_broken_edit_changes_nothing_and_is_told_until_it_is_corrected(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site = await running(tmp_path, drop_ins={"site.toml": CHARGER})
    assert not await site.edit(BROKEN)
    assert site.known() == ["CP01"]
    [sentence] = site.around.rejected
    assert "unknwon" in sentence
    [line] = caplog.messages
    assert line.startswith(sentence)
    assert line.endswith(KEEP)
    [problem] = [one for one in site.around.problems() if one.what == "configuration_rejected"]
    assert problem.text == f"the configuration is not in use: {sentence}"
    assert await site.edit(CHARGER)
    assert site.around.rejected == ()
    await site.house.stations.stop()


async def test_files_that_are_gone_change_nothing(tmp_path: Path) -> None:
    site = await running(tmp_path)
    (tmp_path / "gateway.toml").unlink()
    assert not await site.reload.reload()
    assert site.around.rejected != ()
    assert site.around.upstream_urls == {"operator": "ws://127.0.0.1:1/ocpp"}


# Secrets


def secured(secret: Path, more: str = "") -> str:
    """A charger with a password in a file."""
    return f'{CHARGER}password = {{ file = "{secret}" }}\n{more}'


async def test_an_edit_whose_secret_cannot_be_read_is_not_taken_over(tmp_path: Path) -> None:
    site = await running(tmp_path)
    assert not await site.edit(secured(tmp_path / "missing"))
    assert site.known() == []
    [sentence] = site.around.rejected
    assert f"charger[CP01].password: there is no file {tmp_path / 'missing'}" in sentence
    (tmp_path / "missing").write_text("hunter2")
    assert await site.reload.reload()
    assert (site.known(), site.around.rejected) == (["CP01"], ())
    await site.house.stations.stop()


async def test_what_was_lost_already_holds_up_no_other_edit(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    site = await running(tmp_path, drop_ins={"site.toml": secured(secret)})
    [lost] = site.around.lost
    assert (await site.house.refuse("CP01")).status == 503
    assert await site.edit(secured(secret, '[[charger]]\nidentity = "CP02"\n'))
    assert (site.known(), site.around.lost) == (["CP01", "CP02"], (lost,))
    assert (await site.house.refuse("CP01")).status == 503
    # Nor is a configuration remembered as good that is not.
    assert list(site.state.iterdir()) == []
    secret.write_text("hunter2")
    assert await site.reload.reload()
    assert site.around.lost == ()
    assert (await site.house.refuse("CP01")).status == 401
    assert [file.name for file in site.state.iterdir()] == ["last-good.json"]
    await site.house.stations.stop()


async def test_a_secret_that_is_lost_now_leaves_who_was_let_in_with_it(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    site = await running(tmp_path, drop_ins={"site.toml": secured(secret)})
    secret.unlink()
    assert not await site.reload.reload()
    assert (await site.house.refuse("CP01")).status == 401
    await site.house.stations.stop()


async def test_a_certificate_that_is_lost_while_it_is_read_changes_nothing(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_text(CERTIFICATE)
    site = await running(tmp_path)
    other = f'[[upstream]]\nname = "other"\nurl = "wss://csms.example.com/"\nca = "{authority}"\n'
    assert await site.edit(other)
    assert list(site.house.stations.upstreams) == ["operator", "other"]
    authority.write_text("no certificate")
    assert not await site.reload.reload()
    assert f"upstream[other]: ca: {authority} holds no certificate in PEM form" in site.around.rejected[0]
    assert list(site.house.stations.upstreams) == ["operator", "other"]
    await site.house.stations.stop()


# Upstreams


async def test_upstreams_come_and_go(tmp_path: Path) -> None:
    site = await running(tmp_path, main='[site]\nid = "depot3"\n')
    assert [problem.text for problem in site.around.problems()] == [NO_UPSTREAM]
    assert await site.edit('[[upstream]]\nname = "operator"\nurl = "ws://127.0.0.1:1/"\n')
    assert list(site.house.stations.upstreams) == ["operator"]
    assert list(site.around.problems()) == []
    gate = site.house.stations.upstreams["operator"].gate
    assert await site.edit('[[upstream]]\nname = "renamed"\nurl = "ws://127.0.0.1:1/"\n')
    # The same host: what is known of it stays known.
    assert site.house.stations.upstreams["renamed"].gate is gate
    assert site.around.upstream_urls == {"renamed": "ws://127.0.0.1:1/"}
    await site.house.stations.stop()


@pytest.mark.parametrize(
    ("line", "closed"),
    [
        ('refusal_grace = "1h"', False),
        ("replay_rate = 10", False),
        ('url = "ws://127.0.0.1:2/ocpp"', True),
        ('local_address = "127.0.0.1"', True),
        ('username = "u"\npassword = "p"', True),
    ],
)
async def test_a_connection_outlives_what_does_not_concern_it(tmp_path: Path, line: str, closed: bool) -> None:
    site = await running(tmp_path, drop_ins={"site.toml": CHARGER})
    site.house.stations.upstreams["operator"].dialer = site.house.dialer
    for task, _ in site.house.stations.loops():
        task.wiring.upstreams = site.house.stations.upstreams
    charger = await site.house.connect("CP01")
    main = SITE.replace('url = "ws://127.0.0.1:1/ocpp"', line) if line.startswith("url") else f"{SITE}{line}\n"
    write_site(tmp_path, main, {"site.toml": CHARGER})
    assert await site.reload.reload()
    await until(lambda: all(task.waiting_since is None for task, _ in site.house.stations.loops()))
    await until(lambda: (charger.down.closed is not None) == closed)
    await site.house.stations.stop()


# What takes a restart, and what is remembered


async def test_what_takes_a_restart_is_said_and_the_rest_taken_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site = await running(tmp_path)
    text = "mqtt.url has changed, which takes a restart: systemctl restart evgate"
    for _ in range(2):
        assert await site.edit(f'{CHARGER}[mqtt]\nurl = "mqtt://192.0.2.1"\n')
        assert site.known() == ["CP01"]
        assert text in site.around.waits_for_restart
    assert text in caplog.messages
    assert site.reload.running.settings.mqtt.host == "127.0.0.1"
    assert list(site.state.iterdir()) == []
    assert await site.edit(CHARGER)
    assert site.around.waits_for_restart == ()
    await site.house.stations.stop()


async def test_what_is_in_use_is_the_last_good_from_then_on(tmp_path: Path) -> None:
    site = await running(tmp_path)
    around = site.around
    around.last_good_since = site.house.clock.now().wall
    assert await site.edit(CHARGER)
    assert site.around.last_good_since is None
    assert not await site.edit(BROKEN)
    kept = load_or_last_good(tmp_path / "gateway.toml", site.environ)
    assert [charger.identity for charger in kept.settings.charger] == ["CP01"]
    await site.house.stations.stop()


async def test_a_configuration_that_cannot_be_kept_is_used_and_that_is_said(tmp_path: Path) -> None:
    site = await running(tmp_path)
    site.state.rmdir()
    assert await site.edit(CHARGER)
    assert site.known() == ["CP01"]
    assert site.house.notes.counters["last_good_not_kept"] == 1
    await site.house.stations.stop()


async def test_the_last_good_itself_is_not_kept_anew(tmp_path: Path) -> None:
    site = await running(tmp_path)
    await site.reload.keep(site.loaded)
    (tmp_path / "gateway.toml").write_text(BROKEN)
    before = (site.state / "last-good.json").stat().st_ino
    await site.reload.keep(load_or_last_good(tmp_path / "gateway.toml", site.environ))
    assert (site.state / "last-good.json").stat().st_ino == before


async def test_by_hand_nothing_is_kept(tmp_path: Path) -> None:
    site = await running(tmp_path)
    site.reload.environ = {}
    assert await site.edit(CHARGER)
    assert list(site.state.iterdir()) == []
    await site.house.stations.stop()


async def test_the_level_of_the_log(tmp_path: Path) -> None:
    site = await running(tmp_path)
    assert await site.edit('[log]\nlevel = "debug"\n')
    assert logging.getLogger("gateway").level == logging.DEBUG


async def test_who_asks_while_it_reads_is_heard(tmp_path: Path) -> None:
    site = await running(tmp_path)
    going = asyncio.create_task(site.reload.run())
    write_site(tmp_path, SITE, {"site.toml": BROKEN})
    site.reload.ask()
    await until(lambda: site.around.rejected != ())
    write_site(tmp_path, SITE, {"site.toml": CHARGER})
    site.reload.ask()
    site.reload.ask()
    await until(lambda: site.known() == ["CP01"] and site.around.rejected == ())
    going.cancel()
    await asyncio.gather(going, return_exceptions=True)
    await site.house.stations.stop()


QUIRK = '[[quirk]]\nname = "acme-kwh"\nabout = "Says Wh."\nsource = "here"\nvendor = "ACME"\ncorrections = ["%s"]\n'


async def test_a_quirk_that_an_edit_has_spoilt_stays_in_use_as_it_was(tmp_path: Path) -> None:
    site = await running(tmp_path)
    file = tmp_path / "quirks.d" / "acme.toml"
    file.parent.mkdir()
    file.write_text(QUIRK % "kwh_labelled_wh")
    assert await site.edit("")
    good = site.house.stations.quirks
    assert good.of(BootReported("ACME", "Wall"), ()).quirks == ("acme-kwh",)
    file.write_text(QUIRK % "kwh_labeled_wh")
    assert await site.edit(CHARGER)
    assert site.known() == ["CP01"]
    assert site.house.stations.quirks is good
    assert site.house.notes.counters["quirks_unusable"] == 1
    [told] = site.around.quirks
    assert f"{file}:6" in told
    assert '"kwh_labelled_wh"' in told
    file.write_text(QUIRK % "kwh_labelled_wh")
    assert await site.edit(CHARGER)
    assert site.around.quirks == ()
    await site.house.stations.stop()
