"""Setting a till up: what is done is kept, what may not wait cannot be put off, and nothing is overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainpos.core.chain.genesis import dump_genesis
from chainpos.errors import UserFacingError
from chainpos.node.clock import SystemClock
from chainpos.pilot.city import load_city
from chainpos.pilot.genesis import city_genesis
from chainpos.pilot.resources import sample_data
from chainpos.store.shop import ShopBook
from chainpos.store.shop_shifts import ShopShifts
from chainpos.till import own_node, setup
from chainpos.till.pin import Guesses, has_pin, require_pin
from chainpos.till.setup import NetworkFound, ShopFound, ShopSetup, Step, fingerprint
from chainpos.till.staff import add_member, remove_member
from chainpos.wallet.keys import demo_key

FOUND_SHOP = ShopFound("HF01", "Bakery", "面包房", "hefei", True, 9)


@pytest.fixture
def network() -> NetworkFound:
    folder = sample_data()
    doc = city_genesis(load_city(folder), folder, validator=demo_key("v").public_key, genesis_time_ns=0)
    genesis = dump_genesis(doc)
    return NetworkFound(doc.chain_id, fingerprint(genesis), 9, 1, True, genesis)


@pytest.fixture
def shop(tmp_path: Path, network: NetworkFound) -> ShopSetup:
    made = ShopSetup(tmp_path / "shop", lambda: 0)
    made.accept_network(network, ("127.0.0.1:26657",))
    return made


def test_each_step_is_kept_and_the_next_one_follows(shop: ShopSetup, tmp_path: Path) -> None:
    def again() -> ShopSetup:
        return ShopSetup(tmp_path / "shop", lambda: 0)

    assert ShopSetup(tmp_path / "nothing", lambda: 0).step() is Step.NETWORK
    assert again().step() is Step.SHOP
    shop.accept_shop(FOUND_SHOP, "CNY")
    assert again().step() is Step.KEY
    shop.make_key()
    assert again().step() is Step.ENROL
    shop.put_off(Step.ENROL)
    assert again().step() is Step.ARTICLES
    assert shop.import_articles(sample_data() / "catalogues" / "bakery.csv").fault_count == 0
    assert again().step() is Step.PIN
    shop.choose_pin("4711", "4711")
    assert again().step() is Step.PRINTER
    shop.try_printer(f"file:{tmp_path / 'paper'}")
    assert "收款 OK".encode("gb18030") in (tmp_path / "paper").read_bytes()
    assert again().step() is Step.DONE


def test_a_printer_is_kept_only_if_a_line_came_out(shop: ShopSetup) -> None:
    shop.accept_shop(FOUND_SHOP, "CNY")
    for address, why in (
        ("tcp:127.0.0.1:1", "unreachable"),
        ("nonsense", "no printer's address"),
        ("", "no printer's address"),
    ):
        with pytest.raises(UserFacingError, match=why):
            shop.try_printer(address)
    assert shop.home.settings().printer == ""


def test_the_network_shop_and_key_cannot_be_put_off_and_a_pin_is_typed_twice(shop: ShopSetup) -> None:
    for step in (Step.NETWORK, Step.SHOP, Step.KEY):
        with pytest.raises(UserFacingError, match="needs this"):
            shop.put_off(step)
    shop.accept_shop(FOUND_SHOP, "CNY")
    with pytest.raises(UserFacingError, match="differ"):
        shop.choose_pin("4711", "4712")
    with pytest.raises(UserFacingError, match="4 to 12 digits"):
        shop.choose_pin("47", "47")


def test_where_somebody_decides_setting_up_makes_no_owner(shop: ShopSetup) -> None:
    """A manager alone, who is no owner; then an owner, whose PIN is not replaced."""
    shop.accept_shop(FOUND_SHOP, "CNY")
    shop.make_key()
    for step in (Step.ENROL, Step.ARTICLES):
        shop.put_off(step)
    assert shop.step() is Step.PIN
    with ShopBook.open(shop.home.book_path) as book:
        add_member(ShopShifts(book), "Mei", "manager", "2580", 1)
    assert shop.step() is Step.PRINTER
    with pytest.raises(UserFacingError, match="decides on this till already"):
        shop.choose_pin("4711", "4711")
    with ShopBook.open(shop.home.book_path) as book:
        assert not has_pin(book)
        remove_member(ShopShifts(book), "Mei")
    shop.choose_pin("4711", "4711")
    with pytest.raises(UserFacingError, match="decides on this till already"):
        shop.choose_pin("1234", "1234")
    with ShopBook.open(shop.home.book_path) as book:
        require_pin(book, "4711", Guesses(SystemClock()))


def test_a_key_is_never_overwritten(shop: ShopSetup, tmp_path: Path) -> None:
    shop.accept_shop(FOUND_SHOP, "CNY")
    shop.make_key()
    key = shop.home.key().seed()
    with pytest.raises(UserFacingError, match="already a till key"):
        shop.make_key()
    with pytest.raises(UserFacingError, match="already a till key"):
        shop.import_key(shop.home.key_path)
    assert shop.home.key().seed() == key
    (tmp_path / "open.json").write_bytes(shop.home.key_path.read_bytes())
    (tmp_path / "open.json").chmod(0o644)
    with pytest.raises(UserFacingError, match="Others on this machine"):
        shop.import_key(tmp_path / "open.json")


def test_a_file_with_a_wrong_line_is_told_by_line_and_imports_nothing(shop: ShopSetup, tmp_path: Path) -> None:
    shop.accept_shop(FOUND_SHOP, "CNY")
    good = (sample_data() / "catalogues" / "bakery.csv").read_text(encoding="utf-8")
    wrong = tmp_path / "wrong.csv"
    wrong.write_text(good + good.splitlines()[1].replace(",", "\x1b,", 1) + "\n", encoding="utf-8")
    told = shop.import_articles(wrong)
    assert [fault.line for fault in told.faults] == [len(good.splitlines()) + 1]
    shop.make_key()
    shop.put_off(Step.ENROL)
    assert shop.step() is Step.ARTICLES
    with pytest.raises(UserFacingError, match="cannot be read"):
        shop.preview_articles(tmp_path / "nothing.csv")


def test_what_was_done_is_not_read_from_a_broken_file_silently(shop: ShopSetup) -> None:
    (shop.home.folder / setup.PROGRESS_NAME).write_text("{]")
    with pytest.raises(UserFacingError, match="is not right"):
        shop.step()


async def test_a_node_that_cannot_start_is_said_with_where_its_words_are(
    shop: ShopSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop.home.folder / setup.NODE_FOLDER / "config" / "chainpos.toml").write_text("mode = 7")
    with pytest.raises(UserFacingError, match="did not start") as refused:
        await shop.start_node()
    assert "start.log" in refused.value.next_step


def test_the_fingerprint_tells_every_changed_bit(network: NetworkFound) -> None:
    assert len(network.fingerprint.split()) == 8
    assert fingerprint(network.genesis[:-1] + b" ") != network.fingerprint


def test_a_port_in_use_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setattr(own_node, "USUAL_PORT", taken.getsockname()[1])
        assert own_node.free_port("127.0.0.1") != taken.getsockname()[1]


@pytest.mark.parametrize("node", ["", "nonsense", "127.0.0.1", "http://127.0.0.1:26657", "a b:1", "a:\x1b[31m1"])
async def test_what_is_no_address_is_told_how_one_is_written(tmp_path: Path, node: str) -> None:
    with pytest.raises(UserFacingError, match="is no address") as refused:
        await ShopSetup(tmp_path / "shop", lambda: 0).find_network(node)
    assert "HOST:PORT" in refused.value.next_step


async def test_a_node_that_is_silent_is_told_as_an_address_to_check(tmp_path: Path) -> None:
    with pytest.raises(UserFacingError, match="does not answer") as refused:
        await ShopSetup(tmp_path / "shop", lambda: 0).find_network("127.0.0.1:1")
    assert "Check the address" in refused.value.next_step
