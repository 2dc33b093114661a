"""The wallet against a real network: it pays what it was asked, refuses tricks by name, and names every absence."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import msgspec
import pytest

from chainpos.core.chain.envelope import MAX_LIFETIME_S
from chainpos.core.checkout.request import link_id
from chainpos.core.contracts.codes import EXPIRY_TOO_FAR
from chainpos.core.contracts.compliance.codes import ACCOUNT_FROZEN
from chainpos.core.contracts.compliance.messages import Freeze
from chainpos.core.contracts.payments import codes as payment_codes
from chainpos.core.contracts.payments.messages import MAX_REQUEST_LIFE_S, Cancel, Pay, request_id
from chainpos.core.contracts.ports import account_subject, merchant_subject
from chainpos.errors import UserFacingError
from chainpos.node.clock import SystemClock
from chainpos.wallet.client import Wallet
from chainpos.wallet.history import History
from chainpos.wallet.home import Checkpoint, WalletHome
from chainpos.wallet.keys import Key, demo_key
from chainpos.wallet.keystore import create_keystore
from chainpos.wallet.network import Network
from chainpos.wallet.offer import RefusedOffer
from chainpos.wallet.paying import End, send_and_follow
from tests.core.blocks import transaction
from tests.core.contracts.conftest import CHAIN_ID, key_of
from tests.till.conftest import Shop, cny, signing_key

from .conftest import Host, signed


def _wallet(city: Shop, tmp_path: Path, name: str = "erin") -> Wallet:
    wallet = city.wallet(name)
    wallet._history = History(tmp_path / f"{name}.jsonl")
    return wallet


async def test_an_honest_request_is_paid_and_remembered(city: Shop, host: Host, tmp_path: Path) -> None:
    request = signed(1250)
    host.serve(request.encoded, request.signature)
    wallet = _wallet(city, tmp_path)
    before = (await wallet.show("CNY")).balance
    offer = await wallet.offer(host.link(request.link_id).lower())
    assert (offer.merchant, offer.name_en, offer.amount) == ("TEAHOUSE", "Willow Tea House", cny(1250))
    assert offer.balance == before
    result = await wallet.pay(offer)
    assert (result.end, result.code, result.request_id) == (End.PAID, 0, request.id)
    assert result.height > 0
    assert (await wallet.show("CNY")).balance == before - cny(1250)
    (entry,) = await wallet.history()
    assert (entry.state, entry.height, entry.amount_minor) == ("paid", result.height, 1250)
    # The host got a copy of the payment, so that its till sees it coming.
    assert any(asked.startswith("/broadcast_tx_sync?tx=0x") for asked in host.asked)


@pytest.mark.parametrize("paid_first", [True, False])
async def test_a_request_that_was_paid_or_cancelled_is_not_offered(
    city: Shop, host: Host, tmp_path: Path, *, paid_first: bool
) -> None:
    request = signed()
    host.serve(request.encoded, request.signature)
    wallet = _wallet(city, tmp_path)
    offer = await wallet.offer(host.link(request.link_id))
    client = await city.nodes.client(city.validator)
    message: msgspec.Struct = Cancel(request.encoded)
    signer = "TEAHOUSE.till"
    if paid_first:
        message, signer = Pay(request.encoded, request.signature, "TEAHOUSE", 1000, 0, "CNY"), "alice"
    wire = transaction(message, signer, nonce=5, expires_s=request.request.expires_s)
    answer = await client.broadcast_tx_sync(wire)
    await city.in_block(client, answer.hash)
    with pytest.raises(RefusedOffer) as refused:
        await wallet.offer(host.link(request.link_id))
    assert refused.value.reason == ("already_paid" if paid_first else "cancelled")
    # Who had said yes before learns the same from the contract, and keeps the money.
    before = (await wallet.show("CNY")).balance
    result = await wallet.pay(offer)
    expected = payment_codes.ALREADY_PAID if paid_first else payment_codes.REQUEST_CANCELLED
    assert (result.end, result.code) == (End.REFUSED_AT_DOOR, expected.number)
    assert result.refusal == expected
    assert (await wallet.show("CNY")).balance == before


async def test_a_host_that_serves_another_request_is_refused(city: Shop, host: Host, tmp_path: Path) -> None:
    """The sticker swapped in transit: the code on the counter is the shop's, what its host serves is not."""
    wallet = _wallet(city, tmp_path)
    shown = signed(1000)
    for served in (
        signed(100_000),
        signed(1000, reference="W2"),
        signed(1000, merchant="NOODLES", till="NOODLES.till"),
    ):
        host.serve(served.encoded, served.signature)
        with pytest.raises(RefusedOffer) as refused:
            await wallet.offer(host.link(shown.link_id))
        assert refused.value.reason == "altered_request"


async def test_an_altered_amount_is_refused_whether_or_not_the_link_was_altered_too(
    city: Shop, host: Host, tmp_path: Path
) -> None:
    wallet = _wallet(city, tmp_path)
    honest = signed(1000)
    altered = msgspec.msgpack.encode(msgspec.structs.replace(honest.request, amount_minor=900_000))
    host.serve(altered, honest.signature)
    with pytest.raises(RefusedOffer) as refused:
        await wallet.offer(host.link(honest.link_id))
    assert refused.value.reason == "altered_request"

    with pytest.raises(RefusedOffer) as refused:
        await wallet.offer(host.link(link_id(request_id(CHAIN_ID, altered))))
    assert refused.value.reason == "forged_request"


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (signed(till=demo_key("a thief's phone")), "unauthorised_till"),
        (signed(till="NOODLES.till"), "unauthorised_till"),
        (signed(merchant="NOWHERE"), "unauthorised_till"),
        (signed(till="alice"), "unauthorised_till"),
    ],
)
async def test_who_asks_in_anothers_name_is_refused(
    city: Shop, host: Host, tmp_path: Path, request_: object, reason: str
) -> None:
    request = request_
    host.serve(request.encoded, request.signature)  # type: ignore[attr-defined]
    with pytest.raises(RefusedOffer) as refused:
        await _wallet(city, tmp_path).offer(host.link(request.link_id))  # type: ignore[attr-defined]
    assert refused.value.reason == reason


async def test_the_name_shown_is_the_certified_one_of_who_really_asks(city: Shop, host: Host, tmp_path: Path) -> None:
    """A swapped QR: the noodle shop's own code stuck over the tea house's. The wallet shows whose it is."""
    request = signed(merchant="NOODLES", till="NOODLES.till")
    host.serve(request.encoded, request.signature)
    offer = await _wallet(city, tmp_path).offer(host.link(request.link_id))
    assert (offer.name_en, offer.name_zh) == ("Old Bridge Noodles", "老桥面馆")


async def test_hosts_that_answer_wrongly_are_refused_by_name(city: Shop, host: Host, tmp_path: Path) -> None:
    wallet = _wallet(city, tmp_path)
    request = signed()
    link = host.link(request.link_id)
    for status, body, reason in (
        (404, b"", "unknown_request"),
        (500, b"", "no_request"),
        (302, b"", "no_request"),
        (200, b"nonsense", "no_request"),
        (200, b'{"request":"AA=="}', "no_request"),
        (200, b'{"request":"AA==","signature":"AA=="}', "altered_request"),
        (200, b"x" * 100_000, "unreachable"),
    ):
        host.status, host.body = status, body
        with pytest.raises(RefusedOffer) as refused:
            await wallet.offer(link)
        assert refused.value.reason == reason, (status, body[:20])
    await host.close()
    with pytest.raises(RefusedOffer) as refused:
        await wallet.offer(link)
    assert refused.value.reason == "unreachable"
    await host.open()
    with pytest.raises(RefusedOffer) as refused:
        await wallet.offer("HTTP://SHOP/PAY")
    assert refused.value.reason == "no_link"


async def test_a_request_of_another_chain_and_an_expired_one_are_refused(
    city: Shop, host: Host, tmp_path: Path
) -> None:
    wallet = _wallet(city, tmp_path)
    for request, reason in ((signed(chain_id="other-1"), "altered_request"), (signed(life_s=-1), "expired")):
        host.serve(request.encoded, request.signature)
        with pytest.raises(RefusedOffer) as refused:
            await wallet.offer(host.link(request.link_id))
        assert refused.value.reason == reason


async def _freeze(city: Shop, subject: bytes) -> None:
    order = Freeze(subject, "Order 17/2026", int(time.time()) + 3_600)
    client = await city.nodes.client(city.validator)
    answer = await client.broadcast_tx_sync(transaction(order, "regulator", expires_s=int(time.time()) + 600))
    await city.in_block(client, answer.hash)


async def test_a_frozen_wallet_is_told_so_before_it_is_asked(city: Shop, host: Host, tmp_path: Path) -> None:
    request = signed(1250)
    host.serve(request.encoded, request.signature)
    wallet = _wallet(city, tmp_path)
    assert (await wallet.show("CNY")).freeze is None
    offer = await wallet.offer(host.link(request.link_id))
    await _freeze(city, account_subject(key_of("erin").address))
    with pytest.raises(
        RefusedOffer, match=r"^This wallet is frozen by order \(Order 17/2026\) until .* UTC, proved"
    ) as no:
        await wallet.offer(host.link(request.link_id))
    assert (no.value.money_moved, no.value.next_step[:13]) == ("No money moved.", "Ask eastbank,")
    assert no.value.reason == "frozen_account"
    shown = await wallet.show("CNY")
    assert shown.freeze is not None
    assert shown.freeze.legal_reference == "Order 17/2026"
    # Who had said yes before learns it at the door; nothing of it is on the ledger, and the shop's request waits on.
    result = await wallet.pay(offer)
    assert (result.end, result.code) == (End.REFUSED_AT_DOOR, ACCOUNT_FROZEN.number)
    assert (await wallet.show("CNY")).balance == shown.balance
    assert (await city.wallet("alice").offer(host.link(request.link_id))).amount == cny(1250)


async def test_a_frozen_shop_is_not_offered_a_payment(city: Shop, host: Host, tmp_path: Path) -> None:
    request = signed(1250)
    host.serve(request.encoded, request.signature)
    await _freeze(city, merchant_subject("TEAHOUSE"))
    with pytest.raises(RefusedOffer, match="The shop is frozen by order") as refused:
        await _wallet(city, tmp_path).offer(host.link(request.link_id))
    assert refused.value.reason == "frozen_merchant"


async def test_a_wallet_without_an_account_is_told_so(city: Shop, host: Host, tmp_path: Path) -> None:
    request = signed()
    host.serve(request.encoded, request.signature)
    key = Key(bytes(31) + b"\x07")
    network = Network(city.wallet("erin").network.genesis, (city.validator.rpc,), SystemClock())
    wallet = Wallet(network, key.public_key, key=key)
    with pytest.raises(RefusedOffer) as refused:
        await wallet.offer(host.link(request.link_id))
    assert refused.value.reason == "no_account"
    with pytest.raises(RefusedOffer):
        await wallet.show("CNY")
    await wallet.close()


async def test_a_payment_into_silence_is_unknown_then_paid_when_history_asks_again(
    city: Shop, host: Host, tmp_path: Path
) -> None:
    """The validator dies between the yes and the block: nothing is claimed, and nothing is forgotten."""
    request = signed()
    host.serve(request.encoded, request.signature)
    wallet = _wallet(city, tmp_path)
    offer = await wallet.offer(host.link(request.link_id))
    await city.validator.stop()
    assert (await wallet.pay(offer)).end is End.UNKNOWN
    (entry,) = await wallet.history()
    assert entry.state == "sent"
    await city.restart_validator()
    wire = bytes.fromhex(entry.wire)
    (entry,) = await wallet.history()
    assert entry.state == "sent"
    client = await city.nodes.client(city.validator)
    await city.in_block(client, (await client.broadcast_tx_sync(wire)).hash)
    (entry,) = await wallet.history()
    assert (entry.state, entry.code) == ("paid", 0)


async def test_a_request_that_lives_for_a_day_is_paid_though_the_blocks_time_is_behind(
    city: Shop, host: Host, tmp_path: Path
) -> None:
    await asyncio.sleep(1.2)
    request = signed(life_s=MAX_REQUEST_LIFE_S, begun_s=0)
    host.serve(request.encoded, request.signature)
    wallet = _wallet(city, tmp_path)
    assert (await wallet.pay(await wallet.offer(host.link(request.link_id)))).end is End.PAID


async def test_what_a_block_refused_without_a_change_is_told_as_refused(city: Shop, host: Host, tmp_path: Path) -> None:
    """The door judges by the present, the block by its own time, which is that of the vote before it."""
    request = signed()
    host.serve(request.encoded, request.signature)
    wallet = _wallet(city, tmp_path)
    offer = await wallet.offer(host.link(request.link_id))
    # Long enough for another second, not so long that an empty block would bring the time first.
    await asyncio.sleep(1.2)
    message = Pay(request.encoded, request.signature, "TEAHOUSE", 1000, 0, "CNY")
    wire = transaction(message, "erin", expires_s=int(time.time()) + MAX_LIFETIME_S)
    result = await send_and_follow(wallet.network, wire, offer, wait_s=30)
    assert (result.end, result.code) == (End.REFUSED, EXPIRY_TOO_FAR.number)


async def test_a_payment_that_expired_outside_the_ledger_is_proved_never_to_reach_it(
    city: Shop, host: Host, tmp_path: Path
) -> None:
    request = signed(life_s=2)
    host.serve(request.encoded, request.signature)
    wallet = _wallet(city, tmp_path)
    offer = await wallet.offer(host.link(request.link_id))
    await city.validator.stop()
    assert (await wallet.pay(offer)).end is End.UNKNOWN
    await city.restart_validator()
    await asyncio.sleep(2.1)
    # The ledger's time must pass the expiry, by anybody's transaction.
    other = signed(reference="W9")
    host.serve(other.encoded, other.signature)
    alice = city.wallet("alice")
    assert (await alice.pay(await alice.offer(host.link(other.link_id)))).end is End.PAID
    (entry,) = await wallet.history()
    assert entry.state == "never_reached"


async def test_demo_keys_are_refused_outside_a_demo_network(city: Shop) -> None:
    network = city.wallet("erin").network
    genesis = msgspec.structs.replace(network.genesis, app_state=b"{}")
    key = demo_key("customer/1")
    with pytest.raises(UserFacingError, match="demo key"):
        Wallet(Network(genesis, network.addresses, SystemClock()), key.public_key, key=key)
    Wallet(network, key.public_key, key=key)


async def test_a_wallet_from_its_folder_remembers_what_it_believed(city: Shop, host: Host, tmp_path: Path) -> None:
    request = signed()
    host.serve(request.encoded, request.signature)
    home = WalletHome(tmp_path / "wallet")
    home.create(city.genesis, (city.validator.rpc, city.peer.rpc))
    create_keystore(home.key_path, signing_key("erin"), "a long passphrase")
    wallet = Wallet.open(home, SystemClock(), passphrase="a long passphrase")
    result = await wallet.pay(await wallet.offer(host.link(request.link_id)))
    assert result.end is End.PAID
    believed = wallet.network.light.trusted.height
    await wallet.close()
    looking = Wallet.open(home, SystemClock())
    assert looking.network.light.trusted.height == believed > 0
    assert [entry.state for entry in await looking.history()] == ["paid"]
    assert (await looking.show("CNY")).account.institution == "eastbank"
    with pytest.raises(UserFacingError, match="locked"):
        looking.code(cny(1))
    await looking.close()
    home.trust_path.write_text("{}")
    again = Wallet.open(home, SystemClock())
    assert again.network.light.trusted.height == 0
    await again.close()


async def test_a_checkpoint_stands_in_for_an_old_genesis_and_a_wrong_one_is_refused(city: Shop) -> None:
    client = await city.nodes.client(city.validator)
    wallet = city.wallet("erin")
    await wallet.show("CNY")  # proved by the header at height 2, which is there by then
    signed_header = await client.commit(2)
    genesis = wallet.network.genesis
    right = Checkpoint(2, signed_header.header.hash().hex())
    network = Network(genesis, (city.validator.rpc,), SystemClock(), checkpoint=right)
    assert (await network.sync()).height >= 2
    await network.close()
    wrong = Network(genesis, (city.validator.rpc,), SystemClock(), checkpoint=Checkpoint(2, "00" * 32))
    with pytest.raises(UserFacingError, match="forged_header"):
        await wrong.sync()
    await wrong.close()
