"""Why a payment, a charge or a cancellation is refused; numbers 501 to 599."""

from __future__ import annotations

from typing import Final

from chainpos.errors import Code

MALFORMED_REQUEST: Final = Code(
    501, "malformed_request",
    "The payment request cannot be read.", "无法读取该收款请求。",
    "Show the customer a new QR code.", "请重新出示收款码。",
)  # fmt: skip
WRONG_MERCHANT: Final = Code(
    502, "wrong_merchant",
    "The request belongs to another shop than the customer agreed to pay.", "收款商户与顾客确认的商户不符。",
    "Check that nobody changed the QR code, then show a new one.", "请检查收款码是否被调换，再重新出示。",
)  # fmt: skip
WRONG_CURRENCY: Final = Code(
    503, "wrong_currency",
    "The payment is in another currency than the request.", "付款币种与收款请求不符。",
    "Ask the customer to pay in the currency that is shown.", "请顾客按所示币种付款。",
)  # fmt: skip
UNDERPAID: Final = Code(
    504, "underpaid",
    "The payment is less than the amount due.", "付款金额少于应付金额。",
    "Ask the customer to pay the exact amount.", "请顾客按应付金额重新付款。",
)  # fmt: skip
OVERPAID: Final = Code(
    505, "overpaid",
    "The payment is more than the amount due.", "付款金额多于应付金额。",
    "Ask the customer to pay the exact amount.", "请顾客按应付金额重新付款。",
)  # fmt: skip
REQUEST_EXPIRED: Final = Code(
    506, "request_expired",
    "The request's time was over.", "收款请求已过期。",
    "Show the customer a new QR code.", "请重新出示收款码。",
)  # fmt: skip
ALREADY_PAID: Final = Code(
    507, "already_paid",
    "This request was paid before.", "该收款请求此前已付款。",
    "Look at the first payment; the customer owes nothing more.", "请查看首笔付款，顾客无需再付。",
)  # fmt: skip
REQUEST_CANCELLED: Final = Code(
    508, "request_cancelled",
    "The shop cancelled this request.", "商户已取消该收款请求。",
    "Show a new QR code if there is still something to pay.", "如仍需付款，请重新出示收款码。",
)  # fmt: skip
TIP_NOT_ALLOWED: Final = Code(
    509, "tip_not_allowed",
    "This request takes no tip.", "该收款请求不接受小费。",
    "Ask the customer to pay without a tip.", "请顾客不加小费重新付款。",
)  # fmt: skip
OVER_TILL_LIMIT: Final = Code(
    510, "over_till_limit",
    "The payment is larger than this till may take.", "金额超过本收银台的单笔上限。",
    "Take it at another till, or ask the owner to raise the limit.", "请换用其他收银台，或请店主提高上限。",
)  # fmt: skip
MALFORMED_CODE: Final = Code(
    511, "malformed_code",
    "The customer's code cannot be read.", "无法读取顾客的付款码。",
    "Scan it again, or ask for a new code.", "请重新扫码，或请顾客刷新付款码。",
)  # fmt: skip
CODE_EXPIRED: Final = Code(
    512, "code_expired",
    "The customer's code is older than a minute.", "顾客的付款码已超过一分钟。",
    "Ask the customer for a new code.", "请顾客刷新付款码。",
)  # fmt: skip
CODE_FROM_FUTURE: Final = Code(
    513, "code_from_future",
    "The customer's code is dated in the future.", "顾客付款码的时间晚于当前时间。",
    "Ask the customer to set the phone's clock and show a new code.", "请顾客校准手机时间后刷新付款码。",
)  # fmt: skip
OVER_CODE_LIMIT: Final = Code(
    514, "over_code_limit",
    "The amount is more than the customer's code allows.", "金额超过顾客付款码的上限。",
    "Show a QR code and let the customer pay that.", "请出示收款码，由顾客扫码付款。",
)  # fmt: skip
NOT_THE_TILL: Final = Code(
    515, "not_the_till",
    "Another till made this request.", "该收款请求由其他收银台发起。",
    "Do it at the till that made the request.", "请在发起请求的收银台操作。",
)  # fmt: skip
STATIC_NOT_CHARGEABLE: Final = Code(
    516, "static_not_chargeable",
    "A customer's code cannot pay a standing QR code.", "付款码不能用于固定收款码。",
    "Key in the amount as a new sale, then scan the customer's code.", "请输入金额新建一笔收款，再扫付款码。",
)  # fmt: skip
UNKNOWN_PAYMENT: Final = Code(
    517, "unknown_payment",
    "There is no such payment on the ledger.", "账本上没有该笔付款。",
    "Check the receipt's number.", "请核对收据编号。",
)  # fmt: skip
NOTHING_TO_PAY: Final = Code(
    518, "nothing_to_pay",
    "The payment is of nothing.", "付款金额为零。",
    "Ask the customer to enter the amount.", "请顾客输入付款金额。",
)  # fmt: skip
OVER_OFFLINE_CAP: Final = Code(
    519, "over_offline_cap",
    "The amount is more than a code accepted without the network may pay.", "金额超过离线受理付款码的上限。",
    "The goods are at the shop's risk: ask the customer to pay by a new code.",
    "货物风险由商户承担：请顾客出示新的付款码付款。",
)  # fmt: skip

CODES: Final = (
    MALFORMED_REQUEST, WRONG_MERCHANT, WRONG_CURRENCY, UNDERPAID, OVERPAID, REQUEST_EXPIRED, ALREADY_PAID,
    REQUEST_CANCELLED, TIP_NOT_ALLOWED, OVER_TILL_LIMIT, MALFORMED_CODE, CODE_EXPIRED, CODE_FROM_FUTURE,
    OVER_CODE_LIMIT, NOT_THE_TILL, STATIC_NOT_CHARGEABLE, UNKNOWN_PAYMENT, NOTHING_TO_PAY,
    OVER_OFFLINE_CAP,
)  # fmt: skip
