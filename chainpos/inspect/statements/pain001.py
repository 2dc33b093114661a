"""pain.001, the payouts that an acquirer asks its bank to send: one transfer each, to a shop's own account."""

from __future__ import annotations

from collections.abc import Sequence

from chainpos.inspect.statements.blocks import (
    Tree,
    account,
    agent,
    date,
    digits,
    message_id,
    moment,
    money,
    party,
)
from chainpos.inspect.statements.schema import PAIN_001, encode_message
from chainpos.inspect.statements.transfers import PayoutOrder


def pain001(orders: Sequence[PayoutOrder], *, chain_id: str, made_ns: int) -> bytes:
    """The message for one or more orders, grouped by acquirer. Raises UserFacingError."""
    by_acquirer: dict[str, list[PayoutOrder]] = {}
    for order in orders:
        by_acquirer.setdefault(order.acquirer, []).append(order)
    named = message_id(PAIN_001, chain_id, *(order.reference for order in orders))
    currency = orders[0].currency
    tree: Tree = {
        "CstmrCdtTrfInitn": {
            "GrpHdr": {
                "MsgId": named,
                "CreDtTm": moment(made_ns),
                "NbOfTxs": str(len(orders)),
                "CtrlSum": digits(sum(order.amount_minor for order in orders), currency),
                "InitgPty": party(orders[0].acquirer, orders[0].acquirer_en),
            },
            "PmtInf": [
                _group(f"{named[:31]}-{number}", group, made_ns) for number, group in enumerate(by_acquirer.values(), 1)
            ],
        }
    }
    return encode_message(PAIN_001, tree)


def _group(named: str, orders: Sequence[PayoutOrder], made_ns: int) -> Tree:
    first = orders[0]
    return {
        "PmtInfId": named,
        "PmtMtd": "TRF",
        "NbOfTxs": str(len(orders)),
        "CtrlSum": digits(sum(order.amount_minor for order in orders), first.currency),
        "ReqdExctnDt": {"Dt": date(made_ns)},
        "Dbtr": party(first.acquirer, first.acquirer_en),
        "DbtrAcct": {**account(f"payouts/{first.acquirer}"), "Ccy": first.currency},
        "DbtrAgt": agent(first.acquirer, first.acquirer_en),
        "ChrgBr": "SLEV",
        "CdtTrfTxInf": [
            {
                "PmtId": {"InstrId": order.reference, "EndToEndId": order.reference},
                "Amt": {"InstdAmt": money(order.amount_minor, order.currency)},
                "Cdtr": party(order.merchant, order.merchant_en),
                "CdtrAcct": account(order.payout_account),
                "RmtInf": {"Ustrd": [f"Payout {order.number} to {order.merchant}"]},
            }
            for order in orders
        ],
    }
