"""What people of the sample city do, as signed transactions: ask, pay, show a code, refund, close a cycle, confirm.

Every key is a demo key. Where the nonces come from is told to it, so that a recorded day is the same day each time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from chainpos.core.chain.envelope import BODY_VERSION, Body, encode_envelope
from chainpos.core.checkout.request import SignedRequest, Terms, make_request
from chainpos.core.contracts.payments.messages import (
    CODE_VERSION,
    Charge,
    CustomerCode,
    Pay,
    code_signed_bytes,
    encode_code,
)
from chainpos.core.values.amount import Amount
from chainpos.pilot.city import Customer, Merchant
from chainpos.pilot.genesis import CURRENCY, customer_key, till_key
from chainpos.wallet.keys import Key

LIFE_S: Final = 3600
REQUEST_LIFE_S: Final = 300
CODE_LIMIT_MINOR: Final = 100_000


class Sale(NamedTuple):
    """A request that somebody was shown; `minor` is what it asks for."""

    merchant: Merchant
    signed: SignedRequest
    minor: int


class Hands:
    """Signs for anybody in the city. `nonce` gives 16 bytes, never the same twice."""

    def __init__(self, chain_id: str, nonce: Callable[[], bytes]) -> None:
        self._chain_id = chain_id
        self._nonce = nonce

    def request(self, merchant: Merchant, minor: int, reference: str, now_s: int) -> Sale:
        """A till of the merchant asks for an amount; the customer has it before them a few seconds later."""
        terms = Terms(merchant.merchant, reference, Amount(minor, CURRENCY), now_s - 5, now_s - 5 + REQUEST_LIFE_S)
        key = till_key(merchant.merchant)
        return Sale(merchant, make_request(terms, self._chain_id, key.public_key, key.sign), minor)

    def pay(self, sale: Sale, customer: Customer, now_s: int, *, minor: int | None = None) -> bytes:
        """The customer pays what was asked, or another amount by mistake."""
        amount_minor = sale.minor if minor is None else minor
        pay = Pay(sale.signed.encoded, sale.signed.signature, sale.merchant.merchant, amount_minor, 0, CURRENCY)
        return self.sign(customer_key(customer.customer), "payments.pay", pay, now_s)

    def charge(self, sale: Sale, customer: Customer, now_s: int) -> bytes:
        """The customer shows a code and the till scans it."""
        key = customer_key(customer.customer)
        code = encode_code(
            CustomerCode(CODE_VERSION, key.public_key, self._nonce(), CODE_LIMIT_MINOR, CURRENCY, now_s - 10)
        )
        charge = Charge(sale.signed.encoded, code, key.sign(code_signed_bytes(self._chain_id, code)))
        return self.sign(till_key(sale.merchant.merchant), "payments.charge", charge, now_s)

    def sign(self, key: Key, kind: str, message: msgspec.Struct, now_s: int) -> bytes:
        """Any message as a transaction that lives for an hour."""
        encoded = msgspec.msgpack.encode(message)
        body = Body(BODY_VERSION, self._chain_id, key.public_key, now_s + LIFE_S, self._nonce(), kind, encoded)
        return encode_envelope(body, key.sign)
