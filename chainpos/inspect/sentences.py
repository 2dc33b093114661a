"""What a rejection code means, for screens: the sentences of the contract that refuses.

It refuses nothing: a code from a newer network gets a sentence that says so.
"""

from __future__ import annotations

from chainpos.core.contracts.registry import CODES_BY_NUMBER
from chainpos.inspect.views import Sentence


def sentence_of(code: int) -> Sentence:
    """The code's name and sentences in both languages."""
    known = CODES_BY_NUMBER.get(code)
    if known is not None:
        return Sentence(code, known.name, known.what_en, known.what_zh, known.next_en, known.next_zh)
    return Sentence(
        code,
        f"code_{code}",
        f"The network refused for a reason that this version does not know (code {code}).",
        f"网络以本版本未知的原因拒绝了交易（代码 {code}）。",
        "Update chainpos, then look the code up again.",
        "请升级 chainpos 后再查看该代码。",
    )
