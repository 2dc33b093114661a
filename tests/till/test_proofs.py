"""A customer's proof at a till without a network: what it makes of a sale, and every proof that it must refuse."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from chainpos.core.checkout.frames import to_frames
from chainpos.core.checkout.matching import SaleState
from chainpos.core.checkout.receipt_proof import decode_proof, encode_proof
from chainpos.errors import UserFacingError
from chainpos.store.shop import ShopBook
from chainpos.till.counter import Till
from chainpos.till.proofs import MAX_TRUST_AGE_S, TRUSTED, Trusted
from chainpos.till.views import Link, ProofView, SaleView
from chainpos.wallet.client import Wallet
from chainpos.wallet.history import History
from chainpos.wallet.paying import End

from .conftest import ShiftedClock, Shop, cny, offer_of, online, sale_where, view_where


async def scan(till: Till, texts: Sequence[str]) -> ProofView:
    for text in texts:
        view = await till.proofs.take(text)
    return view


async def paid_during_an_outage(shop: Shop, till: Till, minor: int = 1250) -> tuple[SaleView, bytes]:
    """The shop's line is down; the customer's is not. The sale as the till has it, and the wallet's proof of it."""
    sale = await till.request(cny(minor))
    wallet = shop.wallet("erin", shop.validator.rpc)
    wallet = remembering(shop, wallet)
    offer = await offer_of(wallet, sale.link)
    await shop.peer.stop()
    await view_where(till, lambda view: view.network.link is Link.OFFLINE)
    assert (await wallet.pay(offer, wait_s=60)).end is End.PAID
    return sale, await wallet.proof(sale.link)


def remembering(shop: Shop, wallet: Wallet) -> Wallet:
    wallet._history = History(shop.folder / f"history-{wallet.public_key.hex()[:8]}.jsonl")
    return wallet


async def test_a_proof_makes_a_sale_proved_without_a_network_and_the_ledger_makes_it_paid(shop: Shop) -> None:
    till = await shop.open_till()
    await online(till)
    sale, proof = await paid_during_an_outage(shop, till)
    frames = to_frames(proof, 90)
    assert all(till.proofs.is_proof(text) for text in frames)
    part = await scan(till, [*frames[:-1], frames[0]])
    assert (part.have, part.of, part.amount) == (len(frames) - 1, len(frames), None)
    whole = await till.proofs.take(frames[-1])
    assert (whole.reference, whole.amount) == (sale.reference, cny(1250))
    assert (await sale_where(till, sale.reference, SaleState.PROVED)).height == 0
    # It is not money yet: no refund, and a restart does not forget it.
    with pytest.raises(UserFacingError, match="was not paid"):
        await till.refund(sale.reference, cny(1), pin="4711", typed_amount="1")
    await shop.close_till(till)
    till = await shop.open_till()
    assert (await sale_where(till, sale.reference, SaleState.PROVED)).amount == cny(1250)
    await shop.restart_peer()
    await sale_where(till, sale.reference, SaleState.CONFIRMED)
    states = shop.states(sale.reference)
    assert states.index(SaleState.PROVED) < states.index(SaleState.PAID)
    with pytest.raises(UserFacingError, match="used before"):
        await scan(till, frames)


async def test_a_proof_is_refused_twice_forged_cut_short_and_from_unknown_validators(shop: Shop) -> None:
    till = await shop.open_till()
    await online(till)
    sale, proof = await paid_during_an_outage(shop, till)
    with pytest.raises(UserFacingError, match="cut short"):
        await till.proofs.take(to_frames(proof, 90)[0][:-3])
    forged = msgspec.structs.replace(decode_proof(proof), gas_used=1)
    with pytest.raises(UserFacingError, match="proves nothing"):
        await scan(till, to_frames(encode_proof(forged), 90))
    known = till.proofs._trusted
    assert known is not None
    till.proofs._trusted = Trusted(known.height, known.time_s, "00" * 32, "11" * 32)
    with pytest.raises(UserFacingError, match="validators that this till does not know"):
        await scan(till, to_frames(proof, 90))
    till.proofs._trusted = None
    with pytest.raises(UserFacingError, match="never been online"):
        await scan(till, to_frames(proof, 90))
    till.proofs._trusted = known
    assert till.counter().sale is not None
    assert (await scan(till, to_frames(proof, 600))).reference == sale.reference
    with pytest.raises(UserFacingError, match="used before"):
        await scan(till, to_frames(proof, 600))


@pytest.mark.slow
async def test_a_till_that_was_offline_for_long_believes_no_proof(shop: Shop) -> None:
    till = await shop.open_till(life_s=86_400)
    await online(till)
    _, proof = await paid_during_an_outage(shop, till)
    await shop.close_till(till)
    till = await shop.open_till(clock=ShiftedClock(MAX_TRUST_AGE_S + 60))
    with pytest.raises(UserFacingError, match="over a week"):
        await scan(till, to_frames(proof, 90))


@pytest.mark.slow
async def test_a_proof_of_another_shop_another_till_or_another_sale_pays_nothing_here(shop: Shop) -> None:
    till, other = await shop.open_till(), await shop.open_till("NOODLES")
    await online(till)
    await online(other)
    _, proof = await paid_during_an_outage(shop, other, 1250)
    mine = await till.request(cny(1250))
    with pytest.raises(UserFacingError, match="another shop, NOODLES"):
        await scan(till, to_frames(proof, 90))
    assert (await sale_where(till, mine.reference, SaleState.WAITING)).amount == cny(1250)
    # The same shop's book without the sale: as on another till.
    await shop.close_till(other)
    (shop.folder / "till-NOODLES" / "shop.db").rename(shop.folder / "elsewhere.db")
    home = shop.till_home("NOODLES")
    with ShopBook.open(home.book_path) as book:
        known = till.proofs._trusted
        assert known is not None
        book.save_setting(TRUSTED, known)
    other = await shop.open_till("NOODLES")
    with pytest.raises(UserFacingError, match="which another till asked for"):
        await scan(other, to_frames(proof, 90))


async def test_a_proof_of_a_set_aside_sale_proves_that_one_and_not_the_one_in_hand(shop: Shop) -> None:
    till = await shop.open_till()
    await online(till)
    aside, proof = await paid_during_an_outage(shop, till, 700)
    await till.dismiss()
    hand = await till.request(cny(700))
    assert (await scan(till, to_frames(proof, 90))).reference == aside.reference
    view = till.counter()
    assert view.sale is not None
    assert (view.sale.reference, view.sale.state) == (hand.reference, SaleState.WAITING)


async def test_the_wallet_proves_only_what_it_paid(shop: Shop) -> None:
    till = await shop.open_till()
    await online(till)
    sale = await till.request(cny(100))
    wallet = remembering(shop, shop.wallet("erin"))
    for named in (sale.link, sale.reference, "no link\x1b[31m"):
        with pytest.raises(UserFacingError, match="has not paid"):
            await wallet.proof(named)
    await wallet.pay(await offer_of(wallet, sale.link))
    assert await wallet.proof(sale.reference) == await wallet.proof(sale.link)
