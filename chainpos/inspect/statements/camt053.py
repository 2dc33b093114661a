"""camt.053, the statement of an account: balances before and after, every booked entry, and their sums."""

from __future__ import annotations

from typing import Final

from chainpos.inspect.statements.account import Entry, Statement
from chainpos.inspect.statements.blocks import (
    Tree,
    account,
    agent,
    digits,
    direction,
    message_id,
    moment,
    money,
    party,
    reference,
)
from chainpos.inspect.statements.schema import CAMT_053, encode_message

# ISO 20022's external codes for what a movement was; whatever has none says it in the network's own word.
_DOMAIN: Final = {
    "payment": ("PMNT", "RCDT", "OTHR"),
    "refund": ("PMNT", "IDDT", "OTHR"),
    "payout": ("PMNT", "ICDT", "OTHR"),
    "netting": ("PMNT", "RCDT", "FICT"),
}


def camt053(statement: Statement) -> bytes:
    """The message. Raises UserFacingError where its schema has no room for it."""
    period, holder = statement.period, statement.holder
    named = message_id(
        CAMT_053, statement.chain_id, holder.kind, holder.name, statement.currency, period.name, period.high
    )
    made = moment(period.to_ns)
    tree: Tree = {
        "BkToCstmrStmt": {
            "GrpHdr": {"MsgId": named, "CreDtTm": made},
            "Stmt": [
                {
                    "Id": named,
                    "CreDtTm": made,
                    "FrToDt": {"FrDtTm": moment(period.from_ns), "ToDtTm": made},
                    "Acct": {
                        **account(account_name(statement)),
                        "Ccy": statement.currency,
                        "Ownr": party(holder.name, holder.name_en),
                        "Svcr": agent(holder.keeper, holder.keeper_en),
                    },
                    "Bal": _balances(statement),
                    "TxsSummry": _summary(statement),
                    "Ntry": [
                        _entry(entry, statement.currency, number) for number, entry in enumerate(statement.entries)
                    ],
                    "AddtlStmtInf": _said(statement),
                }
            ],
        }
    }
    return encode_message(CAMT_053, tree)


def account_name(statement: Statement) -> str:
    """The account as banks are told of it."""
    holder = statement.holder
    return f"{holder.name}/{holder.keeper}" if holder.keeper else f"reserve/{holder.name}"


def _balances(statement: Statement) -> list[Tree]:
    period = statement.period
    told = (
        ("OPBD", statement.opening_minor, period.from_ns),
        ("CLBD", statement.closing_minor, period.to_ns),
        ("CLAV", statement.available_minor, period.to_ns),
    )
    return [
        {
            "Tp": {"CdOrPrtry": {"Cd": code}},
            "Amt": money(minor, statement.currency),
            "CdtDbtInd": direction(minor),
            "Dt": {"DtTm": moment(at_ns)},
        }
        for code, minor, at_ns in told
    ]


def _summary(statement: Statement) -> Tree:
    currency, entries = statement.currency, statement.entries
    came = [entry.amount_minor for entry in entries if entry.amount_minor > 0]
    net_minor = statement.came_minor - statement.went_minor
    return {
        "TtlNtries": {
            "NbOfNtries": str(len(entries)),
            "Sum": digits(statement.came_minor + statement.went_minor, currency),
            "TtlNetNtry": {"Amt": digits(net_minor, currency), "CdtDbtInd": direction(net_minor)},
        },
        "TtlCdtNtries": {"NbOfNtries": str(len(came)), "Sum": digits(statement.came_minor, currency)},
        "TtlDbtNtries": {"NbOfNtries": str(len(entries) - len(came)), "Sum": digits(statement.went_minor, currency)},
    }


def _entry(entry: Entry, currency: str, number: int) -> Tree:
    at = {"DtTm": moment(entry.time_ns)}
    code: Tree = {"Prtry": {"Cd": entry.kind, "Issr": "chainpos"}}
    if entry.kind in _DOMAIN:
        domain, family, detail = _DOMAIN[entry.kind]
        code["Domn"] = {"Cd": domain, "Fmly": {"Cd": family, "SubFmlyCd": detail}}
    details: Tree = {
        "Refs": {
            "AcctSvcrRef": f"{entry.height}/{entry.index}",
            "EndToEndId": reference(entry.reference),
            "TxId": entry.tx_hash[:32],
        },
        "Amt": money(entry.amount_minor, currency),
        "CdtDbtInd": direction(entry.amount_minor),
    }
    if entry.fee_minor:
        details["AmtDtls"] = {"InstdAmt": {"Amt": money(entry.gross_minor, currency)}}
        details["Chrgs"] = {"TtlChrgsAndTaxAmt": money(entry.fee_minor, currency)}
    if entry.counterparty:
        side = "DbtrAgt" if entry.amount_minor > 0 else "CdtrAgt"
        details["RltdAgts"] = {side: agent(entry.counterparty, entry.counterparty)}
    if entry.detail:
        details["AddtlTxInf"] = entry.detail
    return {
        "NtryRef": str(number + 1),
        "Amt": money(entry.amount_minor, currency),
        "CdtDbtInd": direction(entry.amount_minor),
        "Sts": {"Cd": "BOOK"},
        "BookgDt": at,
        "ValDt": at,
        "AcctSvcrRef": entry.tx_hash[:32],
        "BkTxCd": code,
        "NtryDtls": [{"TxDtls": [details]}],
    }


def _said(statement: Statement) -> str:
    period = statement.period
    blocks = f"blocks {period.low} to {period.high}" if period.low <= period.high else "no blocks"
    rest = "" if period.is_over else "; the day is not over, more may follow"
    return f"{statement.chain_id}, {period.name}, {blocks}{rest}"
