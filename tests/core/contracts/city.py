"""A network of three banks and two currencies for the tests of payments, refunds and settlement, and its sales.

eastbank and southbank acquire for netted merchants, westpay for an instant one; fees are 0.38 %, a fifth of that the
network's; a cycle ends every minute.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from chainpos.core.chain.results import TxResult
from chainpos.core.contracts.balances.records import customer_account, fee_account, merchant_account, reserve_account
from chainpos.core.contracts.payments.messages import (
    Cancel,
    Charge,
    CustomerCode,
    Pay,
    Request,
    code_signed_bytes,
    encode_code,
    encode_request,
    request_id,
    request_signed_bytes,
)
from chainpos.core.contracts.payments.records import PAYMENTS, Payment
from chainpos.core.contracts.ports import DYNAMIC_QR
from chainpos.core.contracts.settlement.port import fold
from chainpos.core.contracts.settlement.records import (
    BATCHES,
    CYCLES,
    FIRST_BATCH,
    NO_MONEY,
    OBLIGATIONS,
    PAYOUTS,
    POSITIONS,
    Batch,
    Cycle,
    Payout,
    Position,
    batch_key,
    cycle_key,
    obligation_key,
    payout_key,
    position_key,
)
from chainpos.core.state.tables import Table
from tests.core.contracts.conftest import (
    BANK,
    CHAIN_ID,
    CNY,
    CUSTOMERS,
    GENESIS_S,
    MERCHANTS,
    WALLET,
    World,
    genesis_values,
    institution,
    key_of,
    make_app_state,
)

R = TypeVar("R")
S = TypeVar("S", bound=msgspec.Struct)
SOUTH: Final = "southbank"
HKD: Final = "HKD"
BANKS: Final = (BANK, SOUTH, WALLET)
CYCLE_S: Final = 60
# By name: the institution, then what is held in CNY and in HKD.
PAYERS: Final = {
    **{name: (where, minor, 0) for name, (where, _, _, minor) in CUSTOMERS.items()},
    "fay": (SOUTH, 5_000_000, 1_000_000),
    "gil": (WALLET, 5_000_000, 1_000_000),
}
SHOPS: Final = {
    **{name: (acquirer, mode) for name, (acquirer, mode, *_) in MERCHANTS.items()},
    "BOOKS": (SOUTH, "netted"),
    "FERRY": (BANK, "instant"),
}


def make_city() -> dict[str, Any]:
    """Genesis' app_state, to be changed by a test as it likes."""
    state = make_app_state()
    state["institutions"]["institutions"].append(institution(SOUTH, "bank", "South Gate Bank", "南门银行"))
    for row in state["institutions"]["institutions"]:
        row["debit_caps"].append({"currency": HKD, "cap_minor": 5_000_000})
    customers = state["customers"]
    for tier in customers["tiers"]:
        (limits,) = tier["steps"][0]["limits"]
        tier["steps"][0]["limits"].append({**limits, "currency": HKD})
    for code_class in customers["code_classes"]:
        (cap,) = code_class["steps"][0]["caps"]
        code_class["steps"][0]["caps"].append({**cap, "currency": HKD})
    customers["accounts"] += [
        {
            "key": key_of(name).public.hex(),
            "institution": PAYERS[name][0],
            "tier": "tier_2",
            "code_class": "A",
            "attestation": "ab" * 32,
        }
        for name in ("fay", "gil")
    ]
    state["balances"]["issues"] += [
        {"institution": where, "account": key_of(name).address.hex(), "currency": currency, "amount_minor": minor}
        for name, (where, *minors) in PAYERS.items()
        for currency, minor in zip((CNY, HKD), minors, strict=True)
        if minor and (name not in CUSTOMERS or currency == HKD)
    ]
    state["balances"]["reserves"] += [
        {"institution": SOUTH, "currency": CNY, "amount_minor": 1_000_000},
        *({"institution": name, "currency": HKD, "amount_minor": 100_000} for name in BANKS),
    ]
    state["fees"]["schedules"][0]["currencies"].append(HKD)
    first = state["merchants"]["merchants"][0]
    state["merchants"]["merchants"] += [
        {
            **first,
            "merchant": name,
            "acquirer": SHOPS[name][0],
            "settlement_mode": SHOPS[name][1],
            "owner": key_of(f"{name}.owner").public.hex(),
            "tills": [{**first["tills"][0], "key": key_of(f"{name}.till").public.hex()}],
        }
        for name in ("BOOKS", "FERRY")
    ]
    state["settlement"] = {
        "cycles": [{"currency": CNY, "interval_s": CYCLE_S}, {"currency": HKD, "interval_s": CYCLE_S}]
    }
    return state


@cache
def _values() -> dict[bytes, bytes]:
    return genesis_values(make_city())


class Sale(NamedTuple):
    """A request as the till shows it."""

    request: Request
    encoded: bytes
    till_signature: bytes
    id: bytes

    def pay(self, *, tip: int = 0, **changed: Any) -> Pay:
        """The message of a payer who agrees to all of it, but for what a test changes."""
        agreed = Pay(
            request=self.encoded,
            till_signature=self.till_signature,
            merchant=self.request.merchant,
            amount_minor=self.request.amount_minor,
            tip_minor=tip,
            currency=self.request.currency,
        )
        return msgspec.structs.replace(agreed, **changed)

    @property
    def cancel(self) -> Cancel:
        """The message of the till that takes it back."""
        return Cancel(self.encoded)


class City(World):
    """The network of `make_city` at one moment."""

    def __init__(self, values: dict[bytes, bytes] | None = None) -> None:
        super().__init__(_values() if values is None else values)
        self._sales = 0

    def sale(self, merchant: str = "TEAHOUSE", amount_minor: int = 10_000, **changed: Any) -> Sale:
        """A fresh request of a merchant's till, for ten minutes."""
        self._sales += 1
        request = Request(
            version=1,
            merchant=merchant,
            till_key=key_of(f"{merchant}.till").public,
            reference=f"S{self._sales:06d}",
            amount_minor=amount_minor,
            currency=CNY,
            created_s=self.time_s,
            expires_s=self.time_s + 600,
            instrument=DYNAMIC_QR,
        )
        request = msgspec.structs.replace(request, **changed)
        encoded = encode_request(request)
        signature = key_of(f"{merchant}.till").sign(request_signed_bytes(CHAIN_ID, encoded))
        return Sale(request, encoded, signature, request_id(CHAIN_ID, encoded))

    def charge(self, sale: Sale, payer: str, **changed: Any) -> Charge:
        """The message of a till that scanned a code which the payer shows now."""
        self._sales += 1
        code = CustomerCode(1, key_of(payer).public, self._sales.to_bytes(16, "big"), 1_000_000, CNY, self.time_s)
        encoded = encode_code(msgspec.structs.replace(code, **changed))
        return Charge(sale.encoded, encoded, key_of(payer).sign(code_signed_bytes(CHAIN_ID, encoded)))

    def bought(self, payer: str, merchant: str, amount_minor: int, currency: str = CNY, tip: int = 0) -> bytes:
        """The ID of a payment that was accepted just now."""
        sale = self.sale(merchant, amount_minor, currency=currency, tip_allowed=tip > 0)
        return self.accepted(sale.pay(tip=tip), payer).data

    def payment(self, payment_id: bytes) -> Payment:
        """A payment that must be there."""
        return _there(self.state.get(PAYMENTS, payment_id))

    def batch(self, institution: str, currency: str = CNY) -> Batch:
        """An institution's open batch."""
        return self.state.get(BATCHES, batch_key(institution, currency)) or FIRST_BATCH

    def owed(self, debtor: str, creditor: str, currency: str = CNY) -> int:
        """What one institution owes another, in minor units."""
        found = self.state.get(OBLIGATIONS, obligation_key(debtor, creditor, currency))
        return 0 if found is None else found.amount_minor

    def position(self, merchant: str, currency: str = CNY) -> Position:
        """Where a merchant's money is now."""
        return fold(self.context(), self.state.get(POSITIONS, position_key(merchant, currency)) or NO_MONEY, currency)

    def money(self, merchant: str, currency: str = CNY) -> tuple[int, int, int, int]:
        """(pending, available, requested, paid out), in minor units."""
        at = self.position(merchant, currency)
        return at.pending_minor, at.available_minor, at.requested_minor, at.paid_out_minor

    def payouts(self, merchant: str, currency: str = CNY) -> list[Payout]:
        """All of a merchant's payouts, ascending."""
        count = self.position(merchant, currency).payouts
        return [_there(self.state.get(PAYOUTS, payout_key(merchant, currency, n))) for n in range(1, count + 1)]

    def cycle(self, number: int, currency: str = CNY) -> Cycle:
        """A netting that must be there."""
        return _there(self.state.get(CYCLES, cycle_key(currency, number)))

    def reserve(self, institution: str, currency: str = CNY) -> int:
        """An institution's central-bank money."""
        return self.balance(reserve_account(institution), currency)

    def deposit(self, name: str, currency: str = CNY) -> int:
        """What a customer or a merchant holds."""
        if name in SHOPS:
            return self.balance(merchant_account(name, SHOPS[name][0]), currency)
        return self.balance(customer_account(key_of(name).address, PAYERS[name][0]), currency)

    def fees(self, holder: str, institution: str, currency: str = CNY) -> int:
        """Fees that a holder earned at an institution."""
        return self.balance(fee_account(holder, institution), currency)

    def to_cutoff(self) -> None:
        """Let time pass until the next cut-off."""
        self.advance(CYCLE_S - self.time_s % CYCLE_S)

    def alter(self, table: Table[S], key: bytes, **changed: Any) -> None:
        """Change fields of a record that must be there, past all rules."""
        ctx = self.context()
        ctx.put(table, key, msgspec.structs.replace(_there(ctx.get(table, key)), **changed))
        self.commit(ctx)

    def traced(self, message: msgspec.Struct, signer: str) -> TxResult:
        """Run a message, whatever its outcome; invariants hold after it."""
        result = self.run(message, signer)
        self.check()
        return result


def _there(record: R | None) -> R:
    assert record is not None
    return record


def at_genesis() -> City:
    """The city before its first block."""
    city = City()
    assert city.time_s == GENESIS_S
    return city
