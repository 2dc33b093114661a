"""pacs.004, what was returned: refunds to the payers' institutions, and payouts that could not be sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from chainpos.inspect.statements.blocks import Tree, agent, digits, message_id, moment, money, reference
from chainpos.inspect.statements.pacs009 import settlement
from chainpos.inspect.statements.schema import PACS_004, encode_message
from chainpos.inspect.statements.transfers import Returned

# ISO 20022's external return reasons: asked for by the merchant as creditor; told in words.
_REASONS: Final = {"refund": "FOCR", "payout": "NARR"}
_MAX_REASON: Final = 105


def pacs004(returned: Sequence[Returned], *, chain_id: str) -> bytes:
    """The message for one or more returns of one currency. Raises UserFacingError."""
    currency = returned[0].currency
    total_minor = sum(each.amount_minor for each in returned)
    names = (f"{each.original_id}/{each.reference}" for each in returned)
    tree: Tree = {
        "PmtRtr": {
            "GrpHdr": {
                "MsgId": message_id(PACS_004, chain_id, currency, *names),
                "CreDtTm": moment(returned[-1].time_ns),
                "NbOfTxs": str(len(returned)),
                "CtrlSum": digits(total_minor, currency),
                "TtlRtrdIntrBkSttlmAmt": money(total_minor, currency),
                "SttlmInf": settlement(),
            },
            "TxInf": [_return(each) for each in returned],
        }
    }
    return encode_message(PACS_004, tree)


def _return(each: Returned) -> Tree:
    why: Tree = {"Rsn": {"Cd": _REASONS[each.kind]}}
    if each.reason:
        why["AddtlInf"] = [each.reason[:_MAX_REASON]]
    return {
        "RtrId": reference(each.reference),
        "OrgnlEndToEndId": reference(each.original),
        "OrgnlTxId": each.original_id[:32],
        "OrgnlIntrBkSttlmAmt": money(each.original_minor, each.currency),
        "RtrdIntrBkSttlmAmt": money(each.amount_minor, each.currency),
        "InstgAgt": agent(each.giver, each.giver_en),
        "InstdAgt": agent(each.taker, each.taker_en),
        "RtrRsnInf": [why],
    }
