"""A receipt made at a real till, through its own node, then verified by the command with a genesis alone."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from chainpos.core.checkout.matching import SaleState
from chainpos.errors import UserFacingError
from chainpos.till.receipts import make_receipt

from .conftest import Shop, cny, offer_of, online, sale_where


async def command(*words: str | Path) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chainpos", "receipt", *map(str, words),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


@pytest.mark.slow
async def test_a_paid_sales_receipt_is_verified_elsewhere_and_a_flipped_bit_refused(shop: Shop, tmp_path: Path) -> None:
    till = await shop.open_till()
    await online(till)
    sale = await till.request(cny(1250), "tea")
    home = shop.till_home()
    with pytest.raises(UserFacingError):
        await make_receipt(home, sale.reference)
    wallet = shop.wallet("erin")
    await wallet.pay(await offer_of(wallet, sale.link))
    paid = await sale_where(till, sale.reference, SaleState.CONFIRMED)
    file, genesis = tmp_path / "receipt.cpr", tmp_path / "genesis-copy.json"
    genesis.write_bytes(shop.genesis)
    # The counter stays open meanwhile.
    code, out, err = await command("make", sale.reference, "--home", home.folder, "-o", file)
    assert (code, err) == (0, "")
    assert sale.reference in out
    await shop.close_till(till)
    code, out, _ = await command("verify", file, "--genesis", genesis, "--json")
    told = json.loads(out)
    assert (code, told["proved"], told["reference"], told["merchant"]) == (0, True, sale.reference, "TEAHOUSE")
    assert (told["amount"], told["tx_hash"]) == ({"minor": 1250, "currency": "CNY"}, paid.tx_hash)
    code, out, _ = await command("verify", file, "--genesis", genesis, "--language", "zh")
    assert (code, "已证明：商户 TEAHOUSE 收到 12.50 CNY" in out) == (0, True)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    (tmp_path / "flipped").write_bytes(content)
    code, out, err = await command("verify", tmp_path / "flipped", "--genesis", genesis, "--json")
    assert (code, json.loads(out)) == (1, {"proved": False, "reason": "damaged"})
    assert "NOT PROVED (damaged)" in err
    code, _, err = await command("make", sale.reference, "--home", home.folder, "-o", file)
    assert (code, "already" in err) == (2, True)


@pytest.mark.parametrize("reference", ["", "NONE-1", "x' OR tx.height>'0", "单号", "x" * 26])
async def test_a_reference_that_nobody_paid_has_no_receipt(shop: Shop, reference: str) -> None:
    with pytest.raises(UserFacingError, match="no payment with the reference"):
        await make_receipt(shop.till_home(), reference)
