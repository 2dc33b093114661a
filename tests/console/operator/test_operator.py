"""The operator's console on a real node: everything of ux 28 by keyboard, and nothing that it may not do."""

from __future__ import annotations

import json
import time
from collections import namedtuple
from pathlib import Path

import msgspec
import pytest
from textual.widgets import Input

from chainpos.console import operating as operating_module
from chainpos.console.screens.explained import ExplainScreen
from chainpos.console.screens.question import Question
from chainpos.console.screens.typed import Typed
from chainpos.core.contracts.compliance.messages import Freeze
from chainpos.core.contracts.governance.changes import SetRole
from chainpos.core.contracts.governance.messages import Propose
from chainpos.core.contracts.ports import merchant_subject
from chainpos.inspect.operating import address_of_home
from chainpos.node.backup import check_backup
from chainpos.node.home import Home
from chainpos.rpc import methods
from tests.console.looking import key_in, text_of
from tests.console.operating_on import operating, screen_of, shows, until
from tests.core.blocks import transaction
from tests.node.conftest import Nodes, issue_tx, peer_home

Usage = namedtuple("Usage", "total used free")
HOSTILE = "\x1b[2J\x9b31m\u202eevil\u2066"


async def test_ux28_a_peer_tells_its_state_its_peers_and_how_it_goes(nodes: Nodes, tmp_path: Path) -> None:
    validator = await nodes.validator()
    peer = await nodes.peer(validator.rpc)
    await (await nodes.client(validator)).broadcast_tx_sync(issue_tx(1))
    async with operating(peer.rpc, tmp_path / "me", home=peer.folder, size=(200, 40)) as (_, pilot):
        shown = await shows(pilot, "READ-ONLY", "● ONLINE · height", "PAYMENTS A MINUTE", "most 1 ─")
        for part in ("No alarms.", "verifying peer", "1 of 1 followed nodes", "BLOCKS A MINUTE", "TIME TO FINALITY",
                     "100 % of the power of 1", "WAITING TRANSACTIONS · now 0"):  # fmt: skip
            assert part in shown
        await key_in(pilot, "2")
        await shows(pilot, "✓", "signed", f"● {validator.rpc}", "in order", "chainpos 0.")


@pytest.mark.parametrize(("language", "words"), [
    ("en", ("OPEN PROPOSALS", "#1 More", "regulator: 0 of 1", "⚠ TEAHOUSE · Order 7", "order alone", "No key is")),
    ("zh", ("待表决提案", "#1 More", "regulator：同意 0/1", "⚠ TEAHOUSE · Order 7", "仅监管方命令", "没有正在更换")),
])  # fmt: skip
async def test_ux28_what_the_offices_have_in_hand_fits_80_by_24(
    nodes: Nodes, tmp_path: Path, language: str, words: tuple[str, ...]
) -> None:
    validator, now_s = await nodes.validator(), int(time.time())
    client = await nodes.client(validator)
    role = msgspec.msgpack.encode(SetRole("city", bytes(32), is_held=True))
    for message, signer in (
        (Freeze(merchant_subject("TEAHOUSE"), "Order 7", now_s + 86_400), "regulator"),
        (Propose("operator", "governance.role", role, "More", now_s + 3_600), "operator"),
    ):
        answer = await client.broadcast_tx_sync(transaction(message, signer, expires_s=now_s + 600))
        assert answer.code == 0
    async with operating(validator.rpc, tmp_path / "me", size=(80, 24), language=language) as (_, pilot):
        await key_in(pilot, "6")
        await shows(pilot, *words)


async def test_a_report_that_comes_while_the_console_is_left_harms_nothing(nodes: Nodes, tmp_path: Path) -> None:
    validator = await nodes.validator()
    async with operating(validator.rpc, tmp_path / "me") as (app, _):
        assert app.node is not None
        await app.screen.query_one("#part").remove()
        app._tell_node(app.node)
        assert app.is_running


@pytest.mark.slow
async def test_ux28_what_waits_is_told_by_account_and_age(nodes: Nodes, tmp_path: Path) -> None:
    validator = await nodes.validator()
    peer = await nodes.peer(validator.rpc)
    client = await nodes.client(peer)
    await validator.stop()
    for number in (1, 2):
        await client.broadcast_tx_sync(issue_tx(number))
    async with operating(peer.rpc, tmp_path / "me", size=(130, 34)) as (_, pilot):
        await key_in(pilot, "3")
        await shows(pilot, "2 transactions", "balances.issue", "Account", "0 % of the room")


@pytest.mark.slow
async def test_ux28_an_alarm_leads_to_its_page_with_one_key_and_back(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    validator = await nodes.validator()
    async with operating(validator.rpc, tmp_path / "me") as (app, pilot):
        assert "explain" not in {each.binding.action for each in app.screen.active_bindings.values() if each.enabled}
        monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(10**12, 0, 400_000_000))
        await shows(
            pilot, "⚠ Less than one gigabyte", "disk_low 0.40 GB free", "→ The disk is nearly full. Free some space"
        )
        await key_in(pilot, "e")
        assert isinstance(app.screen, ExplainScreen)
        await shows(pilot, "Less than one gigabyte", "清理空间")
        await key_in(pilot, "escape")
        screen_of(app)


async def test_the_log_of_the_own_node_is_read_as_it_grows_filtered_and_cleaned(nodes: Nodes, tmp_path: Path) -> None:
    validator = await nodes.validator()
    log = Home(validator.folder).log
    log.parent.mkdir()

    def write(level: str, what: str) -> None:
        told = {"time": "2026-03-02T09:00:00Z", "level": level, "from": "chainpos.sync.loop", "what": what}
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(told) + "\n")

    for number in range(30):
        write("info", f"line {number}")
    write("error", f"upstream {HOSTILE} lied")
    async with operating(validator.rpc, tmp_path / "me", home=validator.folder) as (app, pilot):
        await key_in(pilot, "5")
        shown = await shows(pilot, "Info and graver · 31 lines", "upstream", "sync.loop")
        assert "evil" in shown
        assert not set("\x1b\x9b\u202e\u2066") & set(text_of(app))
        write("warning", "just now")
        await shows(pilot, "32 lines", "just now")
        await key_in(pilot, "v")
        await shows(pilot, "Warnings and errors · 2 lines")
        await key_in(pilot, "f", *"lied")
        await shows(pilot, "Warnings and errors · 1 line")
        await key_in(pilot, "2")
        assert app.query_one("#log-words", Input).value == "lied2", "digits are words in a field"
        await key_in(pilot, "escape", "1")
        assert screen_of(app).part == "state"


@pytest.mark.slow
async def test_ux34_a_backup_and_a_new_home_are_made_from_the_screen_after_asking(nodes: Nodes, tmp_path: Path) -> None:
    validator = await nodes.validator()
    await (await nodes.client(validator)).broadcast_tx_sync(issue_tx(1))
    file, restored = tmp_path / "kept.db", tmp_path / "restored"
    async with operating(validator.rpc, tmp_path / "me", home=validator.folder, may_change=True) as (app, pilot):
        await shows(pilot, "OPERATING")
        await key_in(pilot, "4")
        await shows(pilot, "Blocks", "⚠ Back up")
        await key_in(pilot, "b")
        assert isinstance(app.screen, Typed)
        await key_in(pilot, "escape")
        assert not file.exists()
        await key_in(pilot, "b")
        app.screen.query_one(Input).value = str(file)
        await key_in(pilot, "enter")
        await shows(pilot, "Wrote and checked")
        assert check_backup(file).height >= 2
        await key_in(pilot, "u")
        app.screen.query_one(Input).value = str(file)
        await key_in(pilot, "enter")
        app.screen.query_one(Input).value = str(restored)
        await key_in(pilot, "enter")
        assert isinstance(app.screen, Question)
        await key_in(pilot, "enter")
        assert not restored.exists(), "Enter alone confirms nothing"
        await key_in(pilot, "u")
        app.screen.query_one(Input).value = str(file)
        await key_in(pilot, "enter")
        app.screen.query_one(Input).value = str(restored)
        await key_in(pilot, "enter", "y")
        await shows(pilot, "Made ")
        assert Home(restored).database.is_file()
        await key_in(pilot, "b")
        app.screen.query_one(Input).value = str(file)
        await key_in(pilot, "enter")
        await shows(pilot, "There is something at", "Name a new file")


async def test_ux34_who_only_looks_is_offered_nothing_that_changes_and_can_do_nothing(
    nodes: Nodes, tmp_path: Path
) -> None:
    validator = await nodes.validator()
    async with operating(validator.rpc, tmp_path / "me", home=validator.folder) as (app, pilot):
        await key_in(pilot, "4")
        await shows(pilot, "Blocks", "Measure tables")
        assert "Back up" not in text_of(app)
        await key_in(pilot, "b", "u")
        screen_of(app)
        with pytest.raises(Exception, match="looking alone"):
            await app.operator.back_up(tmp_path / "no.db")
        await key_in(pilot, "m")
        await shows(pilot, "· blocks", "· history of records")


@pytest.mark.slow
async def test_ux22_what_comes_by_itself_waits_until_the_keys_rest_but_not_for_ever(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operating_module, "EVERY_S", 0.05)
    monkeypatch.setattr(operating_module, "REST_S", 3_600.0)
    monkeypatch.setattr(operating_module, "AT_MOST_S", 3_600.0)
    async with operating((await nodes.validator()).rpc, tmp_path) as (app, pilot):
        await pilot.press("2")
        # A report that was on its way already may still come.
        await pilot.pause(0.3)
        before = app.node
        await pilot.pause(0.5)
        assert app.node is before
        monkeypatch.setattr(operating_module, "REST_S", 0.0)
        await until(pilot, lambda: app.node is not before)
        monkeypatch.setattr(operating_module, "REST_S", 3_600.0)
        monkeypatch.setattr(operating_module, "AT_MOST_S", 0.0)
        await pilot.press("1")
        before = app.node
        await until(pilot, lambda: app.node is not before)


@pytest.mark.slow
async def test_a_node_that_goes_away_is_told_once_and_found_again(nodes: Nodes, tmp_path: Path) -> None:
    validator = await nodes.validator()
    peer_home(tmp_path / "p", nodes.genesis, validator.rpc)
    port = int(validator.rpc.rpartition(":")[2])
    async with operating(validator.rpc, tmp_path / "me") as (_, pilot):
        await validator.stop()
        await shows(pilot, "○ OFFLINE", "does not answer")
        await nodes.start(validator.folder, listen=f"127.0.0.1:{port}")
        await shows(pilot, "● ONLINE", "The node answers again.")


async def test_a_node_that_knows_no_methods_of_ours_is_told_by_what_every_node_answers(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(methods.METHODS, "chainpos_node")
    monkeypatch.delitem(methods.METHODS, "chainpos_mempool")
    validator = await nodes.validator()
    client = await nodes.client(validator)
    await client.broadcast_tx_sync(issue_tx(1))
    async with operating(validator.rpc, tmp_path / "me", size=(130, 34)) as (app, pilot):
        shown = await shows(pilot, "CometBFT 0.38", "100 % of the power of 1", "PAYMENTS A MINUTE", "most 1 ─")
        assert "Verified here" not in shown
        assert app.node is not None
        assert app.node.generic
        await key_in(pilot, "2")
        await shows(pilot, "CONNECTED TO 0", "It is connected to nobody.")
        await key_in(pilot, "3")
        await shows(pilot, "0 transactions", "Nothing waits.")
        await key_in(pilot, "4")
        await shows(pilot, "--home")


async def test_the_node_of_a_folder_is_found_by_its_folder_while_it_runs(nodes: Nodes) -> None:
    validator = await nodes.validator()
    assert address_of_home(validator.folder) == validator.rpc
    await validator.stop()
    assert address_of_home(validator.folder) == "127.0.0.1:0"
    Home(validator.folder).listening.write_text("nonsense\x1b", encoding="latin-1")
    assert address_of_home(validator.folder) == "127.0.0.1:0"


@pytest.mark.slow
async def test_support_searches_the_same_chain_from_here(nodes: Nodes, tmp_path: Path) -> None:
    validator = await nodes.validator()
    async with operating(validator.rpc, tmp_path / "me", home=validator.folder) as (app, pilot):
        await key_in(pilot, "slash")
        await until(pilot, lambda: app.current_mode == "support")
        await key_in(pilot, "f5")
        await until(pilot, lambda: app.current_mode == "node")
