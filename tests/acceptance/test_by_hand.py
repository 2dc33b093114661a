"""A network beyond the demo, set up with the documented commands and fresh keys; demo keys do not work there."""

from __future__ import annotations

import json
import secrets
import subprocess
from pathlib import Path
from typing import Any

import pytest

from chainpos.core.chain.genesis import load_genesis
from chainpos.core.chain.params import DEFAULT
from chainpos.node.clock import SystemClock
from chainpos.pilot.city import load_city
from chainpos.pilot.genesis import city_genesis
from chainpos.pilot.resources import sample_data
from chainpos.store.shop import ShopBook
from chainpos.till.counter import Till
from chainpos.till.home import TillHome
from chainpos.till.keyfile import save_till_key
from chainpos.till.pin import set_pin
from chainpos.till.views import Link, SaleState
from chainpos.wallet.home import WalletHome
from chainpos.wallet.keys import Key, demo_key
from chainpos.wallet.keystore import create_keystore
from tests.acceptance.conftest import Shell, view_where, wait_until, yuan

CHAIN_ID = "chaohu-1"
BANK, SHOP, CUSTOMER = "chaohubank", "HF01", "C0001"
PIN = "4711"


class Keys:
    """A fresh key for every name of the sample city."""

    def __init__(self) -> None:
        self._made: dict[str, Key] = {}

    def __call__(self, name: str) -> Key:
        return self._made.setdefault(name, Key(secrets.token_bytes(32)))


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Keys:
    made = Keys()
    monkeypatch.setattr("chainpos.pilot.genesis.demo_key", made)
    return made


@pytest.fixture
def app_state(keys: Keys, tmp_path: Path) -> Path:
    """The sample city's rules and people, none of them with a demo key, and no word of a demo."""
    city, folder = load_city(sample_data()), sample_data()
    doc = city_genesis(city, folder, validator=bytes(32), genesis_time_ns=0, chain_id=CHAIN_ID)
    assert doc.params == DEFAULT
    state: dict[str, Any] = json.loads(doc.app_state)
    state["network"]["demo"] = False
    path = tmp_path / "app_state.json"
    path.write_text(json.dumps(state, ensure_ascii=False), encoding="utf-8")
    return path


class Running:
    """`chainpos node start`, ready."""

    def __init__(self, shell: Shell, home: Path) -> None:
        self.process: subprocess.Popen[str] = shell.start("node", "start", "--home", home)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.stderr and self.process.stderr.read()
        self.ready = json.loads(line)
        assert self.ready["ready"]
        self.rpc: str = self.ready["rpc"]

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(20) == 0


@pytest.mark.slow
def test_a_network_without_the_demo_is_set_up_by_hand(
    shell: Shell, app_state: Path, keys: Keys, tmp_path: Path
) -> None:
    validator_home, peer_home = tmp_path / "validator", tmp_path / "peer"
    made = shell.run(
        "node", "init", "--home", validator_home, "--mode", "validator", "--chain-id", CHAIN_ID,
        "--app-state", app_state, "--listen", "127.0.0.1:0", "--moniker", "city 城市", "--json",
    )  # fmt: skip
    assert (made.code, made.err) == (0, "")
    genesis = Path(made.json["genesis"])
    validator = Running(shell, validator_home)
    made = shell.run(
        "node", "init", "--home", peer_home, "--genesis", genesis, "--upstream", validator.rpc,
        "--listen", "127.0.0.1:0", "--json",
    )  # fmt: skip
    assert (made.code, made.json["mode"]) == (0, "peer")
    peer = Running(shell, peer_home)
    assert (validator.ready["mode"], peer.ready["mode"]) == ("validator", "peer")
    assert validator.ready["chain_id"] == CHAIN_ID
    wait_until(lambda: shell.run("node", "status", "--rpc", peer.rpc, "--json").json["state"] == "online")
    status = shell.run("node", "status", "--rpc", validator.rpc)
    assert status.out.startswith(f"city 城市 (validator) on {CHAIN_ID}: online\n")
    second = shell.run("node", "start", "--home", peer_home)
    assert (second.code, second.out) == (2, "")
    assert "Another process" in second.err.splitlines()[-1]
    assert "Traceback" not in second.err

    (tmp_path / "secret").write_text("correct horse battery staple\n")
    wallet = ("--home", tmp_path / "wallet")
    secret = ("--passphrase-file", tmp_path / "secret")
    new = shell.run("wallet", "new", *wallet, *secret, "--genesis", genesis, "--node", validator.rpc, "--json")
    assert new.code == 0
    nobody = shell.run("wallet", "show", *wallet)
    assert nobody.code == 1
    assert "no account on the network" in nobody.err
    till = shell.run(
        "till", "--new", "--home", tmp_path / "till", "--genesis", genesis, "--node", peer.rpc, "--merchant", SHOP,
        "--json",
    )  # fmt: skip
    assert till.code == 0
    _enrol(shell, keys, genesis, validator.rpc, new.json["public_key"], till.json["public_key"])

    shown = shell.run("wallet", "show", *wallet, "--json")
    assert (shown.json["balance_minor"], shown.json["institution"]) == (50_000, BANK)
    _sell(shell, tmp_path, wallet, secret)
    shown = shell.run("wallet", "show", *wallet)
    assert shown.out.startswith(f"490.00 CNY at {BANK} (tier tier_3)\n")
    code = shell.run("wallet", "code", "50.00", *wallet, *secret, "--json")
    assert (code.code, code.json["limit_minor"]) == (0, 5_000)
    history = shell.run("wallet", "history", *wallet, "--json").json["payments"]
    assert [(each["state"], each["amount_minor"]) for each in history] == [("paid", 1_250)]
    _refuse_demo_keys(shell, genesis, tmp_path, validator.rpc)
    peer.stop()
    taken = shell.run("node", "start", "--home", peer_home, "--listen", validator.rpc)
    assert (taken.code, taken.out) == (3, "")
    assert "cannot listen on" in taken.err.splitlines()[-1]
    assert "Traceback" not in taken.err
    validator.stop()
    _require_whole(shell, validator_home, peer_home)


def _require_whole(shell: Shell, validator_home: Path, peer_home: Path) -> None:
    verified = shell.run("verify", "--home", validator_home, "--json")
    assert (verified.code, verified.json["whole"]) == (0, True)
    replayed = shell.run("replay", "--home", peer_home, "--json")
    assert replayed.json["app_hash"] == verified.json["app_hash"]


def _enrol(shell: Shell, keys: Keys, genesis: Path, address: str, customer: str, till: str) -> None:
    """What the bank and the shop's owner do: an account, money in it, and the new till."""
    folder = genesis.parent.parent
    (folder / "office secret").write_text("correct horse battery staple\n")
    homes = {}
    for name in (f"institution/{BANK}", f"merchant/{SHOP}"):
        home = WalletHome(folder / name)
        home.create(genesis.read_bytes(), (address,))
        create_keystore(home.key_path, keys(name), "correct horse battery staple")
        homes[name] = ("--home", home.folder, "--passphrase-file", folder / "office secret", "--json")
    bank, owner = homes[f"institution/{BANK}"], homes[f"merchant/{SHOP}"]
    opened = shell.run("institution", "open-account", customer, "--tier", "tier_3", *bank)
    assert (opened.code, opened.json["state"]) == (0, "done"), opened.err
    issued = shell.run("institution", "issue", opened.json["account"], "500.00", "--reference", "TELLER-1", *bank)
    assert (issued.code, issued.json["state"]) == (0, "done"), issued.err
    added = shell.run("merchant", "add-till", SHOP, till, "--label", "counter 9", *owner)
    assert (added.code, added.json["state"]) == (0, "done"), added.err


def _sell(shell: Shell, folder: Path, wallet: tuple[Any, ...], secret: tuple[Any, ...]) -> None:
    """The new till sells, the new wallet pays, and says what it is asked first."""
    import asyncio

    home = TillHome(folder / "till")
    with ShopBook.open(home.book_path) as book:
        set_pin(book, PIN)

    async def sell() -> None:
        till = Till.open(home, SystemClock())
        await till.start()
        try:
            view = await view_where(till, lambda seen: seen.network.link is Link.ONLINE)
            assert not view.shop.demo
            sale = await till.request(yuan(1_250))
            paid = await asyncio.to_thread(shell.run, "wallet", "pay", sale.link, *wallet, *secret, "--yes")
            assert paid.code == 0, paid.err
            assert "Camphor Lane Bakery" in paid.err
            assert paid.out.startswith("PAID ")
            await view_where(till, lambda seen: seen.sale is not None and seen.sale.state is SaleState.CONFIRMED)
            refunded = await till.refund(sale.reference, yuan(250), pin=PIN, typed_amount="2.50")
            assert refunded.refunded == yuan(250)
            assert refunded.state is SaleState.PART_REFUNDED
            await till.dismiss()
            again_sold = await till.request(yuan(1_250))
            unpaid = await asyncio.to_thread(shell.run, "wallet", "pay", again_sold.link, *wallet, *secret)
            assert unpaid.code == 2
        finally:
            await till.stop()

    asyncio.run(sell())


def _refuse_demo_keys(shell: Shell, genesis: Path, folder: Path, address: str) -> None:
    content = genesis.read_bytes()
    assert load_genesis(content).chain_id == CHAIN_ID
    paths = WalletHome(folder / "demo-wallet")
    paths.create(content, (address,))
    create_keystore(paths.key_path, demo_key("customer/C0001"), "demo demo demo")
    (folder / "public").write_text("demo demo demo\n")
    link = f"HTTP://{address}/P/{'A' * 26}"
    refused = shell.run("wallet", "pay", link, "--home", paths.folder, "--passphrase-file", folder / "public", "--yes")
    assert (refused.code, refused.out, refused.err.count("\n")) == (1, "", 1)
    assert "demo key" in refused.err
    assert "no demo network" in refused.err
    till = TillHome(folder / "demo-till")
    shell.run("till", "--new", "--home", till.folder, "--genesis", genesis, "--node", address, "--merchant", SHOP)
    till.key_path.unlink()
    save_till_key(till.key_path, demo_key("till/HF01/1"))
    refused = shell.run("till", "--home", till.folder)
    assert refused.code != 0
    assert "terminal" in refused.err or "demo key" in refused.err
    with pytest.raises(Exception, match="demo key"):
        till.key()
