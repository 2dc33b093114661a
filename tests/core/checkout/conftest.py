"""A till, a customer and a request between them, as bytes on their way would have them."""

from __future__ import annotations

import pytest

from chainpos.core.checkout.request import SignedRequest, Terms, make_request
from chainpos.core.contracts.payments.records import Payment
from chainpos.core.values.amount import Amount
from chainpos.wallet.keys import Key, demo_key

CHAIN = "test-chain"
NOW_S = 1_767_225_600


@pytest.fixture(scope="session")
def till() -> Key:
    """A till's key."""
    return demo_key("till/1")


@pytest.fixture(scope="session")
def customer() -> Key:
    """A customer's key."""
    return demo_key("customer/1")


@pytest.fixture(scope="session")
def terms() -> Terms:
    """A cup of tea, payable for two minutes."""
    return Terms("tea-house", "260101-0001", Amount(1250, "CNY"), NOW_S, NOW_S + 120, memo="tea 茶")


@pytest.fixture(scope="session")
def signed(till: Key, terms: Terms) -> SignedRequest:
    """The signed request for it."""
    return make_request(terms, CHAIN, till.public_key, till.sign)


@pytest.fixture
def payment(signed: SignedRequest, customer: Key) -> Payment:
    """The ledger's record of its payment at height 7."""
    request = signed.request
    return Payment(
        request_id=signed.id,
        merchant=request.merchant,
        acquirer="bank-a",
        till_key=request.till_key,
        reference=request.reference,
        payer=customer.address,
        institution="bank-b",
        currency=request.currency,
        amount_minor=request.amount_minor,
        tip_minor=0,
        fee_acquirer_minor=3,
        fee_network_minor=1,
        instrument=request.instrument,
        debtor="bank-b",
        batch=1,
        entry=0,
        height=7,
        time_s=NOW_S + 5,
    )
