"""A customer's proof at the counter: a state of its own, which neither looks nor sounds like PAID."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from chainpos.errors import UserFacingError
from chainpos.till.views import Link, SaleState
from tests.console.looking import key_in, opened, scan, settle, text_of
from tests.console.prepared_till import PreparedTill, network_of


@pytest.mark.parametrize("language", ["en", pytest.param("zh", marks=pytest.mark.slow)])
async def test_ux5_a_proof_scanned_code_by_code_shows_paid_proof_rings_no_bell_and_becomes_paid_later(
    till: PreparedTill, tmp_path: Path, language: str
) -> None:
    till.push(network=network_of(Link.OFFLINE))
    async with opened(till, tmp_path, language=language) as (app, pilot):
        await key_in(pilot, *"1250", "enter")
        for code in ("CPF1AAAA0103", "CPF1AAAA0303"):
            await scan(pilot, code)
        assert app.texts("counter.proof_part", have=2, of=3)[:6] in text_of(app)
        await scan(pilot, "CPF1AAAA0203")
        text = text_of(app)
        assert f"◈ {app.texts('stage.proved')}" in text
        assert f"✓ {app.texts('stage.paid')}" not in text
        assert app.bells == 0
        # The next sale can start at once, and the payment rings when the ledger has it.
        await key_in(pilot, *"99", "enter")
        assert till.view.sale is not None
        assert till.view.sale.amount.minor == 99
        proved = next(sale for sale in till.view.recent if sale.state is SaleState.PROVED)
        paid = msgspec.structs.replace(proved, state=SaleState.PAID)
        till.push(
            recent=tuple(paid if each.reference == paid.reference else each for each in till.view.recent),
            network=network_of(),
        )
        await settle(pilot)
        assert app.bells == 1


async def test_ux8_a_refused_proof_says_so_and_the_sale_goes_on_waiting(till: PreparedTill, tmp_path: Path) -> None:
    async with opened(till, tmp_path, language="zh", size=(120, 40)) as (app, pilot):
        await key_in(pilot, *"1250", "enter")
        till.proofs.refuse_next = UserFacingError(
            "This proof proves nothing: it was altered, or is of another network.",
            money_moved="This says nothing of whether money moved.",
            next_step="Do not hand over the goods for it. Wait until the till is online.",
        )
        await scan(pilot, "CPF1AAAA0103")
        assert "该证明无效" in text_of(app)
        assert till.view.sale is not None
        assert till.view.sale.state is SaleState.WAITING
        assert not [each for each in till.asked if each[0] in {"charge", "cancel"}]
