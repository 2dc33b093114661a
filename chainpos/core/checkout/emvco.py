"""EMVCo's merchant-presented QR text (QRCPS MPM 1.0): a strict builder and a strict parser of one frozen value.

It refuses what the standard does not allow: an identifier twice, a length that does not fit, a mandatory field missing,
text outside its alphabet, a checksum that is not of this text. Text in the merchant's own language is hostile too.
Source: EMV QR Code Specification for Payment Systems, Merchant-Presented Mode, version 1.0.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

import msgspec

from chainpos.core.values.amount import Amount, AmountError, parse_amount
from chainpos.core.values.currency import CURRENCIES, UnknownCurrency, currency
from chainpos.core.values.text import HostileText, check_text

MAX_PAYLOAD_CHARACTERS: Final = 512
MAX_VALUE_CHARACTERS: Final = 99
MAX_NAME: Final = 25
MAX_CITY: Final = 15
MAX_POSTAL: Final = 10
MAX_ADDITIONAL: Final = 25
MAX_GUID: Final = 32
MAX_AMOUNT: Final = 13
MAX_BASIS_POINTS: Final = 9_999
CRC_FIELD: Final = "6304"
_FORMAT: Final = "01"
_STATIC, _DYNAMIC = "11", "12"
_PROMPT, _FIXED, _PERCENT = "01", "02", "03"
_PLAIN = re.compile(r"[\x20-\x7e]+")
_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,12})(\.[0-9]{1,3})?", re.ASCII)
_PERCENTAGE = re.compile(r"([0-9]{1,2})(?:\.([0-9]{1,2}))?", re.ASCII)
_BY_NUMBER: Final = {f"{row.numeric:03}": row.code for row in CURRENCIES.values()}

Field = tuple[str, str]


class MalformedCode(ValueError):
    """Text that is no merchant-presented code, or a value that no such code can carry.

    `reason` is "length", "duplicate", "missing", "order", "checksum", "alphabet", "value" or "unsupported".
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class TipKind(Enum):
    """What the payer's wallet does about a tip."""

    PROMPT = "prompt"
    FIXED = "fixed"
    PERCENT = "percent"


class Tip(msgspec.Struct, frozen=True):
    """`fixed` is the amount of a FIXED one; `basis_points` the hundredths of a percent, 1..9,999, of a PERCENT one."""

    kind: TipKind = TipKind.PROMPT
    fixed: Amount | None = None
    basis_points: int = 0


class Account(msgspec.Struct, frozen=True):
    """Where the money goes. 02..25 belong to card schemes and have a `value`; 26..51 are templates of `fields`.

    A template's field 00 names its owner: an application identifier, a UUID or a reversed domain name.
    """

    id: str
    value: str = ""
    fields: tuple[Field, ...] = ()

    @property
    def owner(self) -> str:
        """Whose template it is; "" for a card scheme's number."""
        return dict(self.fields).get("00", "")


class Additional(msgspec.Struct, frozen=True):
    """Field 62, each at most 25 characters of ASCII; "***" asks the wallet to ask the payer. `ask` is 09: A, M, E."""

    bill: str = ""
    mobile: str = ""
    store: str = ""
    loyalty: str = ""
    reference: str = ""
    customer: str = ""
    terminal: str = ""
    purpose: str = ""
    ask: str = ""
    others: tuple[Field, ...] = ()


class OtherLanguage(msgspec.Struct, frozen=True):
    """Field 64: the merchant's name and city in the language `code` (ISO 639-1, two small letters)."""

    code: str
    name: str
    city: str = ""


class MerchantCode(msgspec.Struct, frozen=True, kw_only=True):
    """All that a merchant-presented code says. `currency` by its letters; no `amount` means the payer types it.

    `others` are fields 65..99, which their owners may define; they are kept as they are.
    """

    dynamic: bool
    accounts: tuple[Account, ...]
    category: str
    currency: str
    country: str
    name: str
    city: str
    amount: Amount | None = None
    tip: Tip | None = None
    postal: str = ""
    additional: Additional | None = None
    language: OtherLanguage | None = None
    others: tuple[Field, ...] = ()


_ADDITIONAL: Final = {
    "01": "bill", "02": "mobile", "03": "store", "04": "loyalty", "05": "reference", "06": "customer", "07": "terminal",
    "08": "purpose", "09": "ask",
}  # fmt: skip


def crc16(content: bytes) -> int:
    """ISO/IEC 13239's checksum as EMVCo uses it: polynomial 1021 from FFFF, nothing reflected, nothing xored."""
    value = 0xFFFF
    for byte in content:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ 0x1021) & 0xFFFF if value & 0x8000 else value << 1
    return value


def build(code: MerchantCode) -> str:
    """The code's text, fields by ascending identifier, the checksum last. Raises MalformedCode."""
    try:
        body = "".join(_field(key, value) for key, value in _top_fields(code)) + CRC_FIELD
        text = f"{body}{crc16(body.encode()):04X}"
    except UnicodeEncodeError as error:
        raise MalformedCode("alphabet", "a text has half a character") from error
    # The parser is the rule: what it would refuse is not built.
    if parse(text) != _ordered(code):
        raise MalformedCode("value", "the code would not read back as it was meant")
    return text


def parse(text: str) -> MerchantCode:
    """What the text says, all of it checked. Raises MalformedCode."""
    if not 12 <= len(text) <= MAX_PAYLOAD_CHARACTERS:
        raise MalformedCode("length", f"a merchant's code has at most {MAX_PAYLOAD_CHARACTERS} characters")
    _check_crc(text)
    fields = _split(text, "the code")
    keys = [key for key, _ in fields]
    if keys[0] != "00" or keys[-1] != "63":
        raise MalformedCode("order", "the code does not begin with its format and end with its checksum")
    found = dict(fields)
    if found["00"] != _FORMAT:
        raise MalformedCode("unsupported", "the code is of an unknown format")
    letters = _currency(_need(found, "53"))
    code = MerchantCode(
        dynamic=_is_dynamic(found.get("01", _STATIC)),
        accounts=tuple(_account(key, found[key]) for key in sorted(found) if "02" <= key <= "51"),
        category=_matching(_need(found, "52"), r"[0-9]{4}", "the merchant's category"),
        currency=letters,
        country=_matching(_need(found, "58"), r"[A-Z]{2}", "the country"),
        name=_plain(_need(found, "59"), MAX_NAME, "the merchant's name"),
        city=_plain(_need(found, "60"), MAX_CITY, "the city"),
        amount=_amount(found["54"], letters, "the amount") if "54" in found else None,
        tip=_tip(found, letters),
        postal=_plain(found["61"], MAX_POSTAL, "the postal code") if "61" in found else "",
        additional=_additional(found["62"]) if "62" in found else None,
        language=_language(found["64"]) if "64" in found else None,
        others=tuple((key, _safe(found[key], "field " + key)) for key in sorted(found) if key >= "65"),
    )
    if not code.accounts:
        raise MalformedCode("missing", "the code names no account")
    return code


def looks_like_code(text: str) -> bool:
    """Whether a scanned text means to be a merchant-presented code, whole or not."""
    return text.startswith("000201")


# -- building


def _top_fields(code: MerchantCode) -> list[Field]:
    unit = currency(code.currency) if code.currency in CURRENCIES else None
    if unit is None:
        raise MalformedCode("value", "a currency that this network does not carry")
    fields = [("00", _FORMAT), ("01", _DYNAMIC if code.dynamic else _STATIC)]
    fields += [(account.id, _account_text(account)) for account in code.accounts]
    fields += [("52", code.category), ("53", f"{unit.numeric:03}")]
    if code.amount is not None:
        fields.append(("54", _amount_text(code.amount, code.currency)))
    fields += _tip_fields(code)
    fields += [("58", code.country), ("59", code.name), ("60", code.city)]
    if code.postal:
        fields.append(("61", code.postal))
    if code.additional is not None:
        fields.append(("62", _additional_text(code.additional)))
    if code.language is not None:
        language = [("00", code.language.code), ("01", code.language.name), ("02", code.language.city)]
        fields.append(("64", "".join(_field(key, value) for key, value in language if value)))
    return sorted([*fields, *code.others])


def _tip_fields(code: MerchantCode) -> list[Field]:
    tip = code.tip
    if tip is None:
        return []
    if tip.kind is TipKind.FIXED and tip.fixed is not None:
        return [("55", _FIXED), ("56", _amount_text(tip.fixed, code.currency))]
    if tip.kind is TipKind.PERCENT:
        return [("55", _PERCENT), ("57", f"{tip.basis_points // 100}.{tip.basis_points % 100:02}")]
    return [("55", _PROMPT)]


def _account_text(account: Account) -> str:
    return account.value or "".join(_field(key, value) for key, value in sorted(account.fields))


def _additional_text(additional: Additional) -> str:
    known = [(key, getattr(additional, name)) for key, name in _ADDITIONAL.items()]
    return "".join(_field(key, value) for key, value in sorted([*known, *additional.others]) if value)


def _amount_text(amount: Amount, letters: str) -> str:
    if amount.currency != letters or amount.minor <= 0:
        raise MalformedCode("value", "an amount of zero, or in another currency than the code's")
    exponent = currency(letters).exponent
    whole, rest = divmod(amount.minor, 10**exponent)
    return f"{whole}.{rest:0{exponent}}" if exponent else str(whole)


def _field(key: str, value: str) -> str:
    if not 1 <= len(value) <= MAX_VALUE_CHARACTERS:
        raise MalformedCode("length", f"field {key} has {len(value)} characters")
    return f"{key}{len(value):02}{value}"


def _ordered(code: MerchantCode) -> MerchantCode:
    """As the parser gives it back: lists by identifier."""
    accounts = tuple(
        Account(row.id, row.value, tuple(sorted(row.fields))) for row in sorted(code.accounts, key=lambda row: row.id)
    )
    extra = code.additional
    if extra is not None:
        extra = msgspec.structs.replace(extra, others=tuple(sorted(extra.others)))
    return msgspec.structs.replace(code, accounts=accounts, additional=extra, others=tuple(sorted(code.others)))


# -- parsing


def _check_crc(text: str) -> None:
    body, given = text[:-4], text[-4:]
    try:
        expected = f"{crc16(body.encode()):04X}"
    except UnicodeEncodeError as error:
        raise MalformedCode("alphabet", "a text has half a character") from error
    if not body.endswith(CRC_FIELD) or given != expected:
        raise MalformedCode("checksum", "the code was cut short or misread")


def _split(text: str, where: str) -> list[Field]:
    fields: list[Field] = []
    at = 0
    while at < len(text):
        head = text[at : at + 4]
        if len(head) != 4 or not (head.isascii() and head.isdigit()):
            raise MalformedCode("length", f"{where} has something that is no field")
        key, length = head[:2], int(head[2:])
        value = text[at + 4 : at + 4 + length]
        if not length or len(value) != length:
            raise MalformedCode("length", f"field {key} of {where} does not fit its length")
        fields.append((key, value))
        at += 4 + length
    if len(dict(fields)) != len(fields):
        raise MalformedCode("duplicate", f"{where} has a field twice")
    return fields


def _need(found: dict[str, str], key: str) -> str:
    if key not in found:
        raise MalformedCode("missing", f"the code has no field {key}")
    return found[key]


def _matching(value: str, pattern: str, what: str) -> str:
    if re.fullmatch(pattern, value, re.ASCII) is None:
        raise MalformedCode("value", f"{what} is not of its form")
    return value


def _plain(value: str, limit: int, what: str) -> str:
    if len(value) > limit:
        raise MalformedCode("length", f"{what} has over {limit} characters")
    if _PLAIN.fullmatch(value) is None:
        raise MalformedCode("alphabet", f"{what} has characters outside ASCII")
    return value


def _safe(value: str, what: str) -> str:
    try:
        return check_text(value, max_bytes=4 * MAX_VALUE_CHARACTERS, min_bytes=1)
    except HostileText as error:
        raise MalformedCode("alphabet", f"{what} has characters that may not be shown") from error


def _is_dynamic(value: str) -> bool:
    if value not in (_STATIC, _DYNAMIC):
        raise MalformedCode("value", "the code is neither static nor dynamic")
    return value == _DYNAMIC


def _account(key: str, value: str) -> Account:
    if key <= "25":
        return Account(key, _plain(value, MAX_VALUE_CHARACTERS, "an account"))
    fields = _split(value, "an account")
    found = dict(fields)
    if "00" not in found:
        raise MalformedCode("missing", f"account {key} does not say whose it is")
    _plain(found["00"], MAX_GUID, "an account's owner")
    return Account(key, fields=tuple((name, _plain(found[name], 99, "an account")) for name in sorted(found)))


def _currency(number: str) -> str:
    letters = _BY_NUMBER.get(number)
    if letters is None:
        raise MalformedCode("unsupported", "the code is in a currency that this network does not carry")
    return letters


def _amount(value: str, letters: str, what: str) -> Amount:
    if len(value) > MAX_AMOUNT or _AMOUNT.fullmatch(value) is None:
        raise MalformedCode("value", f"{what} is not of its form")
    try:
        amount = parse_amount(value, letters)
    except (AmountError, UnknownCurrency) as error:
        raise MalformedCode("value", f"{what} is not an amount in {letters}") from error
    if not amount.minor:
        raise MalformedCode("value", f"{what} is zero")
    return amount


def _tip(found: dict[str, str], letters: str) -> Tip | None:
    kind = found.get("55")
    if ("56" in found) != (kind == _FIXED) or ("57" in found) != (kind == _PERCENT):
        raise MalformedCode("value", "the tip does not say what it is, or says it twice")
    if kind is None:
        return None
    if kind == _PROMPT:
        return Tip()
    if kind == _FIXED:
        return Tip(TipKind.FIXED, _amount(found["56"], letters, "the tip"))
    if kind == _PERCENT:
        return Tip(TipKind.PERCENT, basis_points=_basis_points(found["57"]))
    raise MalformedCode("value", "a tip of an unknown kind")


def _basis_points(value: str) -> int:
    match = _PERCENTAGE.fullmatch(value)
    points = int(match.group(1)) * 100 + int((match.group(2) or "0").ljust(2, "0")) if match is not None else 0
    if not points:
        raise MalformedCode("value", "the tip is no percentage from 0.01 to 99.99")
    return points


def _additional(value: str) -> Additional:
    found = dict(_split(value, "the additional data"))
    known = {
        name: _plain(found[key], MAX_ADDITIONAL, f"the {name}") for key, name in _ADDITIONAL.items() if key in found
    }
    others = tuple((key, _safe(found[key], "field 62")) for key in sorted(found) if key not in _ADDITIONAL)
    return Additional(**known, others=others)


def _language(value: str) -> OtherLanguage:
    found = dict(_split(value, "the other language"))
    code = _matching(_need(found, "00"), r"[a-z]{2}", "the language")
    name, city = _safe(_need(found, "01"), "the name"), found.get("02", "")
    if len(name) > MAX_NAME or len(city) > MAX_CITY or not all("00" <= key <= "02" for key in found):
        raise MalformedCode("length", "the name or city in the other language is too long")
    return OtherLanguage(code, name, _safe(city, "the city") if city else "")
