"""pacs.009, the legs of nettings: what each institution paid into the clearing, or got out of it, in reserves."""

from __future__ import annotations

from collections.abc import Sequence

from chainpos.inspect.statements.blocks import (
    CLEARING_SYSTEM,
    Tree,
    account,
    agent,
    date,
    digits,
    message_id,
    moment,
    money,
)
from chainpos.inspect.statements.schema import PACS_009, encode_message
from chainpos.inspect.statements.transfers import NetLegRow, NettingRow


def pacs009(nettings: Sequence[NettingRow], *, chain_id: str) -> bytes:
    """The message for one or more nettings of one currency, with at least one leg. Raises UserFacingError."""
    currency = nettings[0].currency
    legs = [(netting, leg) for netting in nettings for leg in netting.legs]
    total_minor = sum(abs(leg.amount_minor) for _, leg in legs)
    names = (f"{netting.number}/{leg.institution}" for netting, leg in legs)
    tree: Tree = {
        "FICdtTrf": {
            "GrpHdr": {
                "MsgId": message_id(PACS_009, chain_id, currency, *names),
                "CreDtTm": moment(nettings[-1].time_ns),
                "NbOfTxs": str(len(legs)),
                "CtrlSum": digits(total_minor, currency),
                "TtlIntrBkSttlmAmt": money(total_minor, currency),
                "SttlmInf": settlement(),
            },
            "CdtTrfTxInf": [_leg(netting, leg, chain_id) for netting, leg in legs],
        }
    }
    return encode_message(PACS_009, tree)


def settlement() -> Tree:
    """Settled on the books of this clearing system."""
    return {"SttlmMtd": "CLRG", "ClrSys": {"Prtry": CLEARING_SYSTEM}}


def _leg(netting: NettingRow, leg: NetLegRow, chain_id: str) -> Tree:
    own = agent(leg.institution, leg.institution_en)
    clearing = agent("", f"Clearing of {chain_id}")
    reserve = account(f"reserve/{leg.institution}")
    pays = leg.amount_minor < 0
    named = f"{netting.currency}-{netting.number}-{leg.institution}"
    sides: Tree = (
        {"Dbtr": own, "DbtrAcct": reserve, "Cdtr": clearing}
        if pays
        else {"Dbtr": clearing, "Cdtr": own, "CdtrAcct": reserve}
    )
    return {
        "PmtId": {"InstrId": named, "EndToEndId": named, "TxId": named},
        "IntrBkSttlmAmt": money(leg.amount_minor, netting.currency),
        "IntrBkSttlmDt": date(netting.time_ns),
        **sides,
        "RmtInf": {"Ustrd": [f"{netting.kind} {netting.currency}/{netting.number} at height {netting.height}"]},
    }
