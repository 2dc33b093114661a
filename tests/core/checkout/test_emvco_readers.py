"""Our EMVCo texts, read by two programs that others wrote: all of it as we meant it, and the same checksum.

Readers from PyPI: cemacqr (of the CEMAC's common code) and qriskit (of Indonesia's QRIS); neither knows the other.
"""

from __future__ import annotations

import cemacqr
import qriskit
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.checkout.emvco import crc16
from chainpos.core.checkout.offered import ACCOUNT_ID, OWNER, CodeSeller, request_code
from chainpos.core.checkout.request import Terms, make_request, make_wall_request
from chainpos.core.values.amount import Amount, format_amount
from chainpos.wallet.keys import Key

from .conftest import CHAIN, NOW_S

PLAIN = st.characters(min_codepoint=0x21, max_codepoint=0x7E)


@given(
    name=st.text(PLAIN, min_size=1, max_size=25), city=st.text(PLAIN, min_size=1, max_size=15),
    minor=st.integers(0, 99_999_999), category=st.integers(0, 9999), port=st.integers(1, 65_535),
)  # fmt: skip
def test_two_independent_readers_read_what_we_meant_and_agree_on_the_checksum(
    till: Key, name: str, city: str, minor: int, category: int, port: int
) -> None:
    if minor:
        terms = Terms("tea-house", "260101-0001", Amount(minor, "CNY"), NOW_S, NOW_S + 120)
        signed = make_request(terms, CHAIN, till.public_key, till.sign)
    else:
        signed = make_wall_request("tea-house", "WALL-KX", "CNY", CHAIN, till.public_key, till.sign)
    text = request_code(signed, CodeSeller(name, city, f"{category:04}"), "till.example", port)
    said = format_amount(Amount(minor, "CNY"), with_currency=False).replace(",", "") if minor else None
    checksum = crc16(text[:-4].encode())

    one = cemacqr.parse_payload(text)
    assert (one.crc_ok, int(one.stated_crc or "", 16), cemacqr.crc16(text[:-4].encode())) == (True, checksum, checksum)
    assert (one.merchant_name, one.merchant_city, one.merchant_category_code) == (name, city, f"{category:04}")
    assert (one.amount, one.currency, one.country_code, one.is_static) == (said, "156", "CN", not minor)
    assert [one.get_in(ACCOUNT_ID, tag) for tag in ("00", "01", "02")] == [
        OWNER, f"till.example:{port}", signed.link_id
    ]  # fmt: skip

    other = qriskit.parse(text)
    assert int(other.crc or "", 16) == checksum
    assert (other.merchant_name, other.merchant_city, other.mcc) == (name, city, f"{category:04}")
    assert (str(other.amount) if other.amount is not None else None, other.is_static) == (said, not minor)
