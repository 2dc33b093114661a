"""A till is set up from nothing at the keyboard, beside the running pilot: left in between, and gone on with."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from textual.pilot import Pilot as Keys

from chainpos.console.screens.setup import READY, SetupScreen
from chainpos.console.setting_up import SetupApp
from chainpos.pilot.genesis import owner_key
from chainpos.pilot.resources import sample_data
from chainpos.till.home import TillHome
from chainpos.till.setup import ShopSetup, Step
from chainpos.wallet.keystore import create_keystore
from tests.acceptance.conftest import MERCHANT, Pilot
from tests.console.looking import text_of

SECRET = "correct horse battery staple"
PATIENCE_S = 90


@pytest.fixture
def own_nodes() -> Iterator[None]:
    """The nodes that were started for the shop outlive its screens; here they end with the test."""
    before = {each.pid for each in psutil.Process().children(recursive=True)}
    yield
    for each in psutil.Process().children(recursive=True):
        if each.pid not in before and "shop/node" in " ".join(each.cmdline()):
            each.terminate()
            each.wait(20)


class Hands:
    """Somebody at the keyboard of the setup."""

    def __init__(self, app: SetupApp, keys: Keys[int]) -> None:
        self.app, self.keys = app, keys

    @property
    def screen(self) -> SetupScreen:
        assert isinstance(self.app.screen, SetupScreen)
        return self.app.screen

    async def until(self, text: str) -> None:
        until_s = time.monotonic() + PATIENCE_S
        while text not in text_of(self.app):
            assert time.monotonic() < until_s, f"never {text!r}:\n{text_of(self.app)}"
            await self.keys.pause(0.05)

    async def fill(self, field: str, value: str) -> None:
        """Write into a field, as a paste would, and go on with Enter."""
        entry = self.screen.query_one(f"#setup-{field}")
        entry.focus()
        entry.value = value  # type: ignore[attr-defined]
        await self.keys.pause()
        await self.keys.press("enter")


def setup_of(folder: Path) -> ShopSetup:
    return ShopSetup(folder, time.time_ns)


@pytest.mark.slow
async def test_a_till_is_set_up_at_the_keyboard_left_in_between_and_is_ready(
    pilot: Pilot, tmp_path: Path, own_nodes: None
) -> None:
    folder, keystore = tmp_path / "shop", tmp_path / "owner.key"
    create_keystore(keystore, owner_key(MERCHANT), SECRET)
    first = SetupApp(setup_of(folder), now_ns=time.time_ns, folder=tmp_path / "config")
    async with first.run_test(size=(80, 24)) as keys:
        hands = Hands(first, keys)
        await hands.until("Step 1 of 7")
        await hands.fill("node", "127.0.0.1:9")
        await hands.until("does not answer")
        await hands.fill("node", pilot.network.validator_address)
        await hands.until("Fingerprint")
        assert not folder.exists()  # finding a network takes nothing
        await keys.press("ctrl+y")
        await hands.until("Step 2 of 7")

    second = SetupApp(setup_of(folder), now_ns=time.time_ns, folder=tmp_path / "config")
    async with second.run_test(size=(80, 24)) as keys:
        hands = Hands(second, keys)
        await _shop_and_key(hands, folder)
        await _enrolled(hands, keystore)
        await _articles(hands, folder, tmp_path / "wrong.csv")
        await _pin_and_printer(hands, tmp_path / "paper")
        await hands.until("Well")
        found = {each.name: each.verdict for each in hands.screen.findings}
        assert (found["enrolment"], found["key"], found["book"]) == ("good", "good", "good")
        await keys.press("ctrl+y")
    assert second.return_value == READY
    assert TillHome(folder).settings().merchant == MERCHANT


async def _shop_and_key(hands: Hands, folder: Path) -> None:
    await hands.until("Step 2 of 7")
    await _until_found(hands, "merchant", "NOBODY", "No shop 'NOBODY'")
    await _until_found(hands, "merchant", MERCHANT.lower(), "Certified name")
    hands.screen.query_one("#setup-merchant").value = "HF0"  # type: ignore[attr-defined]
    await hands.keys.pause()
    await hands.keys.press("ctrl+y")  # what was found is not what stands there now
    assert setup_of(folder).step() is Step.SHOP
    await _until_found(hands, "merchant", MERCHANT, "Certified name")
    await hands.keys.press("ctrl+y")
    await hands.until("Step 3 of 7")
    await hands.fill("key_file", "")


async def _enrolled(hands: Hands, keystore: Path) -> None:
    await hands.until("Step 4 of 7")
    await hands.fill("owner", str(keystore))
    await hands.fill("secret", "wrong")
    await hands.fill("refunds", "2000.00")
    await hands.until("The passphrase is wrong")
    assert SECRET not in text_of(hands.app)
    await hands.fill("secret", SECRET)
    await hands.fill("refunds", "2000.00")


async def _articles(hands: Hands, folder: Path, wrong: Path) -> None:
    await hands.until("Step 5 of 7")
    wrong.write_text("sku,name_en\nA1\n", encoding="utf-8")  # noqa: ASYNC240 - a test's own file
    await hands.fill("file", str(wrong))
    await hands.until("Wrong, line")
    await hands.keys.press("ctrl+y")  # a file with a wrong line cannot be taken
    assert setup_of(folder).step() is not Step.PIN
    await hands.fill("file", str(sample_data() / "catalogues" / "bakery.csv"))
    await hands.until("Ctrl+Y: yes, this one")
    await hands.keys.press("ctrl+y")


async def _pin_and_printer(hands: Hands, paper: Path) -> None:
    await hands.until("Step 6 of 7")
    await hands.fill("secret_pin", "4711")
    await hands.fill("secret_again", "4712")
    await hands.until("The two PINs differ")
    await hands.fill("secret_pin", "4711")
    await hands.fill("secret_again", "4711")
    await hands.until("Step 7 of 7")
    await hands.fill("printer", "tcp:127.0.0.1:1")
    await hands.until("did not print")
    await hands.fill("printer", f"file:{paper}")
    await hands.until("Ready")
    assert b"chainpos" in paper.read_bytes()  # noqa: ASYNC240 - a test's own file


async def _until_found(hands: Hands, field: str, value: str, text: str) -> None:
    """Ask until the shop's own node has caught up with the network, and answers."""
    until_s = time.monotonic() + PATIENCE_S
    while text not in text_of(hands.app):
        assert time.monotonic() < until_s, text_of(hands.app)
        await hands.fill(field, value)
        await hands.keys.pause(0.3)
