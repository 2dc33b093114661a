"""Banks, owners and offices act by commands, on a running validator; each end is told with its code and next step."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from chainpos.cli.main import app
from chainpos.errors import EXIT_OK, EXIT_REFUSED, EXIT_USAGE, UserFacingError
from chainpos.node.config import NodeSettings, dump_settings
from chainpos.pilot.acts import Hands
from chainpos.pilot.city import load_city
from chainpos.pilot.genesis import customer_key
from chainpos.pilot.network import PilotFolder
from chainpos.pilot.processes import free_port
from chainpos.pilot.resources import sample_data
from chainpos.pilot.running import announce
from chainpos.rpc.client import RpcClient
from chainpos.wallet.home import WalletHome
from chainpos.wallet.keys import Key

CITY = load_city(sample_data())
SHOP = CITY.merchant("HF01")
BANK = SHOP.acquirer
# With the shop's own bank: what it pays is available to the shop at once.
CUSTOMER = next(row for row in CITY.customers if row.institution == BANK and row.opening_balance_minor > 50_000)


class Desk:
    """The command line, in a city whose validator runs."""

    def __init__(self, address: str, chain_id: str) -> None:
        self.address, self.chain_id = address, chain_id

    def act(self, *arguments: str) -> Any:
        told = CliRunner().invoke(app, [*arguments, "--json"])
        if isinstance(told.exception, UserFacingError):
            raise told.exception
        answer = json.loads(told.stdout)
        assert told.exit_code == (EXIT_OK if answer.get("state", "done") == "done" else EXIT_REFUSED)
        return answer

    def say(self, *arguments: str) -> str:
        return CliRunner().invoke(app, list(arguments)).output

    def pay(self, minor: int) -> str:
        """A sale at the shop, paid by the customer; the name of the code, "" where it was paid."""
        import asyncio

        hands, now_s = Hands(self.chain_id, lambda: secrets.token_bytes(16)), int(time.time())
        sale = hands.request(SHOP, minor, f"HF01-{secrets.token_hex(4)}", now_s)

        async def send() -> str:
            async with await RpcClient.connect(f"ws://{self.address}/websocket") as client:
                return (await client.broadcast_tx_sync(hands.pay(sale, CUSTOMER, now_s))).log

        return asyncio.run(send())

    def until(self, found: Callable[[], bool]) -> None:
        end = time.monotonic() + 90
        while not found():
            assert time.monotonic() < end
            time.sleep(0.05)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("city")
    paths, address = PilotFolder(folder / "pilot"), f"127.0.0.1:{free_port()}"
    paths.prepare("HF01")
    settings = NodeSettings(mode="validator", moniker="city validator", listen=address)
    paths.validator.settings.write_text(dump_settings(settings), encoding="utf-8")
    wallet = WalletHome(paths.wallet)
    wallet.create(wallet.genesis_path.read_bytes(), (address,))
    patch = pytest.MonkeyPatch()
    # The note by which a demo is found is one of a user's; this one is nobody else's.
    patch.setattr(tempfile, "tempdir", str(folder))
    announce(paths.folder)
    with subprocess.Popen(
        [sys.executable, "-m", "chainpos.node.run", str(paths.validator.folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as node:  # fmt: skip
        assert node.stdout is not None
        assert json.loads(node.stdout.readline())["ready"]
        yield Desk(address, wallet.genesis().chain_id)
        node.terminate()
        node.wait(20)
    patch.undo()


def test_a_bank_opens_an_account_and_takes_and_gives_cash(desk: Desk, tmp_path: Path) -> None:
    papers = tmp_path / "papers"
    papers.write_text("Ms Example, born 1990")
    key = Key(secrets.token_bytes(32)).public_key.hex()
    opened = desk.act(
        "institution", "open-account", key, "--tier", "tier_3", "--papers", str(papers), "--demo", BANK
    )  # fmt: skip
    assert (opened["state"], len(opened["salt"])) == ("done", 64)
    account = opened["account"]
    issued = desk.act("institution", "issue", account, "100.00", "--reference", "TELLER-1", "--demo", BANK)
    assert (issued["state"], issued["amount_minor"]) == ("done", 10_000)
    said = desk.say("institution", "redeem", account, "30.00", "--reference", "TELLER-2", "--demo", BANK)
    assert "30.00 CNY left the account: pay them out now." in said
    refused = desk.act("institution", "redeem", account, "70.01", "--reference", "TELLER-3", "--demo", BANK)
    assert (refused["state"], refused["name"]) == ("refused_at_door", "insufficient_funds")
    again = desk.say("institution", "open-account", key, "--tier", "tier_3", "--demo", BANK)
    assert "REFUSED by the node, before any block (code" in again
    assert "No money moved." in again


def test_a_shop_is_certified_and_its_owner_enrols_and_revokes_a_till(desk: Desk) -> None:
    from chainpos.wallet.keys import demo_key

    owner, till = demo_key("merchant/TEA01").public_key.hex(), Key(secrets.token_bytes(32)).public_key.hex()
    made = desk.act(
        "merchant", "register", "TEA01", "--owner", owner, "--name-en", "Tea House", "--name-zh", "茶馆", "--category",
        "5812", "--city", "hefei", "--payout-account", "ACC-1", "--demo", BANK,
    )  # fmt: skip
    assert made["state"] == "done"
    certify = ("merchant", "certify", "TEA01", "--fee-class", "small", "--demo")
    assert desk.act(*certify, "TEA01")["name"] == "not_institution_key"
    assert desk.act(*certify, BANK)["state"] == "done"
    assert (
        desk.act("merchant", "certify", "TEA01", "--city", "hefei", "--demo", BANK)["name"] == "certificate_unchanged"
    )
    taken_back = ("merchant", "cancel-certificate", "TEA01", "--demo", "TEA01")
    assert desk.act(*taken_back)["state"] == "done"
    assert desk.act(*taken_back)["name"] == "no_certificate_pending"
    assert desk.act("merchant", "add-till", "TEA01", till, "--label", "T1", "--demo", "TEA01")["state"] == "done"
    stranger = desk.act("merchant", "revoke-till", "TEA01", till, "--demo", "HF02")
    assert stranger["name"] == "not_owner_or_acquirer"
    assert desk.act("merchant", "revoke-till", "TEA01", till, "--demo", "TEA01")["state"] == "done"
    again = desk.act("merchant", "add-till", "TEA01", till, "--label", "T1", "--demo", "TEA01")
    assert again["name"] == "till_key_in_use"


def test_payouts_go_out_as_a_file_and_are_confirmed_or_failed(desk: Desk, tmp_path: Path) -> None:
    assert desk.pay(2_000) == ""
    desk.until(lambda: desk.act("merchant", "payout", "HF01", "5.00", "--demo", "HF01")["state"] == "done")
    second = desk.act("merchant", "payout", "HF01", "3.00", "--demo", "HF01")
    file = tmp_path / "payouts.xml"
    sent = desk.act("institution", "payouts", "-o", str(file), "--demo", BANK)
    assert [(each["number"], each["amount_minor"]) for each in sent["payouts"]] == [(1, 500), (2, 300)]
    assert b"pain.001.001.09" in file.read_bytes()
    assert file.read_bytes().count(b"<CdtTrfTxInf>") == 2
    confirmed = desk.say("institution", "confirm", "HF01", "1", "BANK-77", "--demo", BANK)
    assert "Payout 1 of HF01 is confirmed. Its money left the ledger for the bank account." in confirmed
    failed = desk.act("institution", "fail", "HF01", str(second["number"]), "account closed", "--demo", BANK)
    assert failed["state"] == "done"
    again = desk.act("institution", "confirm", "HF01", "2", "BANK-78", "--demo", BANK)
    assert again["name"] == "payout_decided"
    other = desk.act("institution", "confirm", "HF01", "9", "BANK-79", "--demo", BANK)
    assert other["name"] == "unknown_payout"
    assert "There is nothing to send." in desk.say("institution", "payouts", "--demo", BANK)


def test_reserves_are_read_by_proof_and_funded_by_the_central_bank_alone(desk: Desk) -> None:
    before = desk.act("institution", "reserves", "--demo", BANK)
    fund = ("institution", "fund-reserve", BANK, "1000.00", "--reference", "CB-1", "--demo")
    assert desk.act(*fund, BANK)["name"] == "missing_role"
    assert desk.act(*fund, "central_bank")["state"] == "done"
    after = desk.act("institution", "reserves", "--demo", BANK)
    assert after["reserve_minor"] - before["reserve_minor"] == 100_000
    assert after["net_debit_cap_minor"] > 0
    refused = desk.act("institution", "close-cycle", "--operator", "--demo", "operator")
    assert refused["name"] in ("before_cutoff", "nothing_to_settle")


def test_a_change_is_proposed_read_and_approved_by_another_office(desk: Desk) -> None:
    fields = {
        "tier": "tier_3",
        "effective_from_s": int(time.time()) + 3_600,
        "limits": [{"currency": "CNY", "single_minor": 1, "daily_minor": 2, "balance_minor": None}],
    }
    propose = ("governance", "propose", "customers.tier", json.dumps(fields), "--title", "Less for all")
    made = desk.act(*propose, "--role", "operator", "--demo", "operator")
    assert made["state"] == "done"
    number = str(made["number"])
    shown = desk.act("governance", "show", number, "--demo", "regulator")["proposals"][0]
    assert (shown["state"], shown["title"]) == ("open", "Less for all")
    assert "tier_3" in shown["change"]["tier"]
    twice = desk.act("governance", "approve", number, "--role", "operator", "--demo", "operator")
    assert twice["name"] == "already_approved"
    approved = desk.act("governance", "approve", number, "--role", "regulator", "--demo", "regulator")
    assert (approved["state"], approved["proposal"]) == ("done", "enacted")
    late = desk.act("governance", "withdraw", number, "--demo", "operator")
    assert late["name"] == "proposal_decided"
    assert "Less for all" in desk.say("governance", "show", "--demo", "regulator")


def test_a_freeze_stops_payments_until_it_is_released_by_both(desk: Desk) -> None:
    account = customer_key(CUSTOMER.customer).address.hex()
    order = ("compliance", "freeze", account, "Order 7", "--demo")
    assert desk.act(*order, BANK)["name"] == "missing_role"
    assert desk.act(*order, "regulator")["state"] == "done"
    assert desk.pay(100).startswith("frozen_account")
    assert desk.act("compliance", "agree", account, "Order 7", "--demo", BANK)["state"] == "done"
    shown = desk.act("compliance", "show", account, "--demo", "regulator")
    assert (shown["frozen"], shown["order"], shown["agreed"]) == (True, "Order 7", True)
    assert desk.act("compliance", "release", account, "Order 8", "--demo", "regulator")["state"] == "done"
    assert desk.act("compliance", "show", account, "--demo", "regulator")["frozen"] is True
    assert desk.act("compliance", "agree", account, "Order 8", "--demo", BANK)["state"] == "done"
    assert "is not frozen" in desk.say("compliance", "show", account, "--demo", "regulator")
    assert desk.pay(100) == ""
    assert "HF01 is not frozen, proved" in desk.say("compliance", "show", "HF01", "--demo", "regulator")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("institution", "reserves"), "Who acts was not said"),
        (("institution", "reserves", "--demo", "chaohubank", "--home", "x"), "Who acts was not said"),
        (("institution", "reserves", "--demo", "HF01"), "acts for no institution"),
        (("institution", "open-account", "abcd", "--tier", "t", "--demo", "chaohubank"), "64 hexadecimal digits"),
        (("institution", "issue", "00" * 20, "1.2.3", "--reference", "r", "--demo", "chaohubank"), "not an amount"),
        (("governance", "show", "99", "--demo", "operator"), "There is no proposal 99"),
        (("governance", "propose", "no.such", "{}", "--title", "t", "--role", "city", "--demo", "city"), "no change"),
        (
            ("governance", "propose", "institutions.key", '{"institution": "x"}', "--title", "t", "--role", "city",
             "--demo", "city"),
            "has exactly institution, key",
        ),
        (("compliance", "show", "nosuchthing", "--demo", "regulator"), "There is no such shop as of height"),
        (("compliance", "show", "0a" * 20, "--demo", "regulator"), "There is no such account as of height"),
        (("compliance", "show", "0a" * 19, "--demo", "regulator"), "40 hexadecimal digits; this has 38"),
        (("compliance", "freeze", "0a" * 21, "Order 9", "--demo", "regulator"), "40 hexadecimal digits; this has 42"),
        (("compliance", "preview"), "Say what to try"),
        (("compliance", "preview", "--window", "60"), "That rule counts nothing"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_a_sentence(desk: Desk, arguments: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(UserFacingError, match=sentence) as refused:
        desk.act(*arguments)
    assert refused.value.exit_code == EXIT_USAGE


@pytest.mark.slow
def test_a_lost_key_of_a_wallet_is_replaced_against_a_thief_by_bank_and_regulator(desk: Desk) -> None:
    key = Key(secrets.token_bytes(32)).public_key.hex()
    account = desk.act("institution", "open-account", key, "--tier", "tier_3", "--demo", BANK)["account"]
    new = desk.act("recovery", "prove", account, "--demo", "the new phone")
    bad = desk.act("recovery", "start", account, new["key"], "00" * 64, "--demo", BANK)
    assert bad["name"] == "bad_signature"
    assert desk.act("recovery", "lock", account, "--demo", BANK)["state"] == "done"
    start = ("recovery", "start", account, new["key"], new["proof"], "--demo", BANK)
    assert desk.act(*start)["state"] == "done"
    assert desk.act("recovery", "uphold", account, "Ruling 7", "--demo", BANK)["name"] == "missing_role"
    assert desk.act("recovery", "uphold", account, "Ruling 7", "--demo", "regulator")["state"] == "done"
    early = desk.say("recovery", "complete", account, "--demo", BANK)
    assert "The time in which the old key may object is not over yet. No money moved." in early
    told = desk.say("recovery", "cancel", account, "--demo", BANK)
    assert told.startswith(f"The key of {account} stays.")
    assert desk.act("recovery", "unlock", account, "--demo", BANK)["state"] == "done"


def test_a_lost_key_of_a_shops_owner_is_replaced_and_the_old_one_objects(desk: Desk) -> None:
    new = desk.act("recovery", "prove", "HF01", "--demo", "a new owner")
    assert desk.act("recovery", "start", "HF01", new["key"], new["proof"], "--demo", BANK)["state"] == "done"
    # Its tills sell on.
    assert desk.pay(1_000) == ""
    assert desk.act("recovery", "complete", "HF01", "--demo", BANK)["name"] == "owner_recovery_not_ready"
    assert desk.act("recovery", "cancel", "HF01", "--demo", "HF01")["state"] == "done"


@pytest.mark.parametrize("arguments", [("recovery", "lock", "HF01"), ("recovery", "start", "HF01", "ab", "cd")])
def test_what_is_no_account_and_no_key_is_told_before_anybody_acts(desk: Desk, arguments: tuple[str, ...]) -> None:
    with pytest.raises(UserFacingError) as refused:
        desk.act(*arguments, "--demo", BANK)
    assert refused.value.exit_code == EXIT_USAGE
