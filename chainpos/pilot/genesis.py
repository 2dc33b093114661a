"""The sample city as a genesis document: who is on the ledger before its first block, and by which dated rules.

All keys are demo keys, which anybody can derive, so the document says of its network that its money is play money.
"""

from __future__ import annotations

import secrets
import tomllib
from pathlib import Path
from typing import Any, Final

import msgspec

from chainpos.core.chain.genesis import GenesisDoc, GenesisValidator
from chainpos.core.chain.params import DEFAULT
from chainpos.core.values.hashes import sha256
from chainpos.pilot.city import City
from chainpos.wallet.keys import Key, demo_key

CHAIN_ID: Final = "chainpos-pilot"
INSTRUMENTS: Final = ("dynamic_qr", "static_qr", "customer_code")
ROLES: Final = ("central_bank", "city", "operator", "regulator")
CURRENCY: Final = "CNY"


def new_chain_id() -> str:
    """The name of one demo's network: what is signed for it is good in no other, though all have the same demo keys.

    It is as long as a line of a narrow receipt takes.
    """
    return f"{CHAIN_ID}-{secrets.token_hex(2)}"


def role_key(role: str) -> Key:
    """The demo key that holds a role of the network."""
    return demo_key(f"role/{role}")


def institution_key(institution: str) -> Key:
    """The demo key of an institution."""
    return demo_key(f"institution/{institution}")


def owner_key(merchant: str) -> Key:
    """The demo key of a merchant's owner."""
    return demo_key(f"merchant/{merchant}")


def till_key(merchant: str, number: int = 1) -> Key:
    """The demo key of a merchant's till, counted from 1."""
    return demo_key(f"till/{merchant}/{number}")


def customer_key(customer: str) -> Key:
    """The demo key of a customer's wallet."""
    return demo_key(f"customer/{customer}")


def city_genesis(
    city: City, folder: Path, *, validator: bytes, genesis_time_ns: int, chain_id: str = CHAIN_ID, cycle_s: int = 0
) -> GenesisDoc:
    """The document for one validator's 32-byte public key; `cycle_s` 0 takes the folder's."""
    rules = tomllib.loads((folder / "network.toml").read_text(encoding="utf-8"))
    state = {
        "network": {**rules["network"], "demo": True},
        "governance": {"roles": {role: [role_key(role).public_key.hex()] for role in ROLES}},
        "institutions": {"institutions": _institutions(city)},
        "customers": _customers(city, rules),
        "balances": _balances(city),
        "merchants": {"merchants": _merchants(city, rules)},
        "fees": _fees(rules),
        "settlement": _settlement(cycle_s or rules["settlement"]["cycle_s"]),
    }
    return GenesisDoc(
        chain_id=chain_id,
        genesis_time_ns=genesis_time_ns,
        initial_height=1,
        params=DEFAULT,
        validators=(GenesisValidator(validator, 10, "city validator"),),
        app_state=msgspec.json.encode(state),
    )


def _institutions(city: City) -> list[dict[str, Any]]:
    return [
        {
            "institution": row.institution,
            "name_en": row.name_en,
            "name_zh": row.name_zh,
            "kind": row.kind,
            "key": institution_key(row.institution).public_key.hex(),
            "debit_caps": [{"currency": row.currency, "cap_minor": row.net_debit_cap_minor}],
        }
        for row in city.institutions
    ]


def _balances(city: City) -> dict[str, Any]:
    return {
        "reserves": [
            {"institution": row.institution, "currency": row.currency, "amount_minor": row.reserve_minor}
            for row in city.institutions
        ],
        "issues": [
            {
                "institution": row.institution,
                "account": customer_key(row.customer).address.hex(),
                "currency": row.currency,
                "amount_minor": row.opening_balance_minor,
            }
            for row in city.customers
        ],
    }


def _customers(city: City, rules: dict[str, Any]) -> dict[str, Any]:
    return {
        "tiers": [
            {"tier": tier, "steps": [{"effective_from_s": 0, "limits": [{"currency": CURRENCY, **limits}]}]}
            for tier, limits in rules["tiers"].items()
        ],
        "code_classes": [
            {
                "code_class": name,
                "steps": [{"effective_from_s": 0, "caps": [{"currency": CURRENCY, "daily_minor": cap}]}],
            }
            for name, cap in rules["code_classes"].items()
        ],
        "accounts": [
            {
                "key": customer_key(row.customer).public_key.hex(),
                "institution": row.institution,
                "tier": row.tier,
                "code_class": rules["customer_code_class"][row.tier],
                # A real institution salts what it knows of the person; the sample city knows nothing of anybody.
                "attestation": sha256(b"sample city/" + row.customer.encode()).hex(),
            }
            for row in city.customers
        ],
    }


def _merchants(city: City, rules: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "merchant": row.merchant,
            "acquirer": row.acquirer,
            "name_en": row.name_en,
            "name_zh": row.name_zh,
            "category": row.category,
            "city": row.city,
            "owner": owner_key(row.merchant).public_key.hex(),
            "fee_class": row.fee_class,
            "settlement_mode": row.settlement_mode,
            "payout_account": f"DEMO-{row.merchant}",
            "tills": [
                {
                    "key": till_key(row.merchant, number).public_key.hex(),
                    "label": f"{row.merchant}-{number}",
                    **rules["tills"],
                }
                for number in range(1, row.tills + 1)
            ],
        }
        for row in city.merchants
    ]


def _fees(rules: dict[str, Any]) -> dict[str, Any]:
    return {
        "schedules": [
            {"fee_class": name, "instruments": INSTRUMENTS, "currencies": [CURRENCY], "rules": [schedule]}
            for name, schedule in rules["fees"].items()
        ],
        "comparisons": [
            {"name_en": row["name_en"], "name_zh": row["name_zh"], "rates": [{"ppm": row["ppm"]}]}
            for row in rules["comparisons"]
        ],
    }


def _settlement(cycle_s: int) -> dict[str, Any]:
    return {"cycles": [{"currency": CURRENCY, "interval_s": cycle_s}]}
