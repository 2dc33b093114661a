"""The wallet pays an EMVCo code like a link, and refuses one that shows what the till did not sign."""

from __future__ import annotations

import msgspec
import pytest

from chainpos.core.checkout.emvco import build, parse
from chainpos.core.checkout.offered import CodeSeller, request_code
from chainpos.wallet.offer import RefusedOffer
from chainpos.wallet.paying import End
from tests.till.conftest import Shop, cny

from .conftest import Host, signed

SELLER = CodeSeller("Willow Tea House", "Hefei", "5814")


async def test_an_emvco_code_is_paid_like_a_link_and_an_altered_one_is_not(city: Shop, host: Host) -> None:
    request = signed(1250)
    host.serve(request.encoded, request.signature)
    text = request_code(request, SELLER, "127.0.0.1", host.port)
    wallet = city.wallet("erin")
    altered = build(msgspec.structs.replace(parse(text), amount=cny(1249)))
    with pytest.raises(RefusedOffer) as refused:
        await wallet.offer(altered)
    assert refused.value.reason == "altered_code"
    offer = await wallet.offer(text)
    assert (offer.name_en, offer.amount) == ("Willow Tea House", cny(1250))
    result = await wallet.pay(offer)
    assert (result.end, result.request_id) == (End.PAID, request.id)
