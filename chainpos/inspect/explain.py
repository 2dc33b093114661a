"""A page for each code, in two languages: what happened, why, did money move, what to tell the customer, what to do.

It refuses a code that this version does not know, by saying so. A refusal's "why" is read from the rules themselves.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from chainpos.core.contracts import codes as envelope_codes
from chainpos.core.contracts.registry import ALL_CODES, CODES_BY_NUMBER, CODESPACES
from chainpos.errors import Code
from chainpos.inspect.guards import CONTRACTS, EXECUTION, short_name, source_file

_AT_THE_DOOR: Final = frozenset((envelope_codes.BLOCK_FULL.number, envelope_codes.TOO_MANY_WAITING.number))


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One code's page. `asked` are the conditions that lead to a refusal, as the rules have them, with their place."""

    number: int
    name: str
    kind: str  # "rejection" | "alarm"
    room: str
    what_en: str
    what_zh: str
    why_en: str
    why_zh: str
    money_en: str
    money_zh: str
    tell_en: str
    tell_zh: str
    do_en: str
    do_zh: str
    asked: tuple[str, ...] = ()


_STOPPED: Final = (
    "No. This node only stopped believing; what is on the ledger stands.",
    "否。本节点只是停止采信，账本上的内容不受影响。",
)
_GOES_ON: Final = (
    "No. The node goes on, and what is on the ledger stands.",
    "否。节点继续运行，账本上的内容不受影响。",
)


def _alarm(
    name: str, what: tuple[str, str], why: tuple[str, str], do: tuple[str, str], money: tuple[str, str] = _STOPPED
) -> Page:
    return Page(
        number=0, name=name, kind="alarm", room="node",
        what_en=what[0], what_zh=what[1], why_en=why[0], why_zh=why[1],
        money_en=money[0], money_zh=money[1],
        tell_en="Nothing yet: a sale is PAID only when a screen says so. Take another means of payment meanwhile.",
        tell_zh="暂不答复：以屏幕显示的「已付款」为准，其间请换用其他付款方式。",
        do_en=do[0], do_zh=do[1],
    )  # fmt: skip


ALARMS: Final = (
    _alarm(
        "halted",
        ("The node stopped taking blocks.", "节点已停止接收区块。"),
        ("A block that the validators signed does not fit this node's own state, or its disk failed.",
         "验证人已签名的区块与本节点状态不符，或磁盘发生故障。"),
        ("Keep the folder data/evidence. Run chainpos verify, then chainpos inspect diverge against a healthy node.",
         "保留 data/evidence 文件夹；运行 chainpos verify，再用 chainpos inspect diverge 与正常节点比对。"),
    ),
    _alarm(
        "upstream_dropped",
        ("This node no longer follows one of its upstreams.", "本节点已停止跟随某个上游节点。"),
        ("What the upstream served did not verify; the verdict beside its address says what was wrong.",
         "上游提供的内容未通过验证，原因见其地址旁的判定代码。"),
        ("Tell whoever runs that node. Add another upstream if none is left.",
         "通知该节点的运营者；如无其他上游，请添加。"),
    ),
    _alarm(
        "forged_header",
        ("A node served a header that the validators did not sign.", "某节点提供了未经验证人签名的区块头。"),
        ("The header does not hash to what the commit is for.", "区块头的哈希与提交签名所指不符。"),
        ("Do not use that node again before its owner explains it.", "在其所有者作出解释前请勿再使用该节点。"),
    ),
    _alarm(
        "bad_signature",
        ("A node served a block with a signature that does not hold.", "某节点提供的区块含无效签名。"),
        ("A vote in its commit was not made by the validator that it names.", "提交中的投票并非其所称验证人所签。"),
        ("Do not use that node again before its owner explains it.", "在其所有者作出解释前请勿再使用该节点。"),
    ),
    _alarm(
        "altered_transactions",
        ("A node served a block with other transactions than were signed.", "某节点提供的区块交易被篡改。"),
        ("The transactions do not hash to what the header says.", "交易哈希与区块头不符。"),
        ("Do not use that node again before its owner explains it.", "在其所有者作出解释前请勿再使用该节点。"),
    ),
    _alarm(
        "not_enough_power",
        ("A node served a block that too few validators signed.", "某节点提供的区块签名不足。"),
        ("Over two thirds of the validators' power must sign.", "须有超过三分之二的验证权重签名。"),
        ("Wait if the network is changing validators; otherwise drop that node.",
         "如网络正在更换验证人请等待，否则停用该节点。"),
    ),
    _alarm(
        "wrong_app_hash",
        ("The network came to another state than this node.", "网络状态与本节点计算结果不一致。"),
        ("The next header commits to other records than executing the block gave here.",
         "下一区块头承诺的记录与本机执行结果不同。"),
        ("Sell nothing here; keep data/evidence. Run chainpos verify, then inspect diverge against a healthy node.",
         "请勿在此收款，保留 data/evidence；运行 chainpos verify，再用 chainpos inspect diverge 与正常节点比对。"),
    ),
    _alarm(
        "wrong_last_results_hash",
        ("The network came to other results than this node.", "网络的交易结果与本节点不一致。"),
        ("The next header commits to other results than executing the block gave here.",
         "下一区块头承诺的结果与本机执行结果不同。"),
        ("Sell nothing here. Compare versions first: chainpos --version here and on a healthy node.",
         "请勿在此收款；先比较本机与正常节点的 chainpos 版本。"),
    ),
    _alarm(
        "state_mismatch",
        ("A rule of this version failed on a block, and the node stopped.", "本版本执行区块时规则出错，节点已停止。"),
        ("Our own code is at fault, or its state was changed from outside.", "程序自身有误，或其状态被外部改动。"),
        ("Keep the folder and send data/evidence to the developers. Another node can go on.",
         "保留文件夹，并将 data/evidence 交给开发者；其他节点可继续运行。"),
    ),
    _alarm(
        "store_failed",
        ("A block could not be written, and the node stopped.", "区块无法写入，节点已停止。"),
        ("The disk is full, failing, or the file was taken away.", "磁盘已满、故障，或文件被移走。"),
        ("Make room or change the disk, then start the node again: it reopens at a whole height.",
         "清理或更换磁盘后重启节点，将从完整高度继续。"),
    ),
    _alarm(
        "disk_failed",
        ("The system refused a write, and the node stopped.", "系统拒绝写入，节点已停止。"),
        ("The disk is full or failing, or the folder's rights changed.", "磁盘已满或故障，或文件夹权限被更改。"),
        ("Make room or change the disk, then start the node again.", "清理或更换磁盘后重启节点。"),
    ),
    _alarm(
        "signing_refused",
        ("The validator did not sign, and stopped.", "验证人未签名并已停止。"),
        ("Its key signed something later than its chain knows: the chain is an old copy, or the key runs twice.",
         "其密钥已签过更新的内容：链是旧副本，或密钥在两处运行。"),
        ("Never start two nodes with one key. Bring the chain up to date first.",
         "切勿用同一密钥运行两个节点；请先更新链数据。"),
    ),
    _alarm(
        "not_the_only_validator",
        ("The embedded engine stopped: there are more validators now.", "内置引擎已停止：网络已有多个验证人。"),
        ("It orders blocks for one validator alone.", "内置引擎只支持单一验证人。"),
        ("Run this node behind CometBFT: chainpos node start --engine cometbft.",
         "请改用 CometBFT 引擎：chainpos node start --engine cometbft。"),
    ),
    _alarm(
        "stale_tip",
        ("No block comes although transactions wait.", "有交易等待，却没有新区块。"),
        ("Too few validators are there to decide, or this node is cut off from them.",
         "在线的验证人不足以达成共识，或本节点与其断开。"),
        ("See which validators sign. Start those that are silent; what waits goes on by itself then.",
         "查看哪些验证人在签名，启动未签名者；等待的交易会自动继续。"),
        _GOES_ON,
    ),
    _alarm(
        "disk_low",
        ("Less than one gigabyte is left where the chain lies.", "区块链所在磁盘剩余不足 1 GB。"),
        ("The chain grows by two to three kilobytes a payment; the node halts when nothing can be written.",
         "每笔付款约增加二至三千字节；无法写入时节点会停止。"),
        ("Free some space, or stop the node and prune old blocks (chainpos node prune). Take a backup elsewhere first.",
         "清理空间，或停止节点后裁剪旧区块（chainpos node prune）；请先在别处做好备份。"),
        _GOES_ON,
    ),
    _alarm(
        "no_upstream",
        ("None of the nodes that this one follows answers.", "所跟随的节点均无应答。"),
        ("The network to them is down, they are down, or their addresses have changed.",
         "网络中断、对方停机，或其地址已变更。"),
        ("Check the network, then the addresses under upstreams in config/chainpos.toml. It reconnects by itself.",
         "先检查网络，再检查 config/chainpos.toml 中的上游地址；连接会自动恢复。"),
        _GOES_ON,
    ),
    _alarm(
        "clock_skew",
        ("This machine's clock is behind the network's.", "本机时钟落后于网络时间。"),
        ("The last block's time, which validators agree on, is more than ten seconds ahead of it.",
         "验证人共同认定的最新区块时间比本机快十秒以上。"),
        ("Set the clock by the network (NTP). Until then requests made here look older than they are.",
         "用网络时间（NTP）校准时钟；在此之前，本机生成的收款请求会显得过早。"),
        _GOES_ON,
    ),
    _alarm(
        "mempool_full",
        ("Almost no more transactions can wait at this node.", "本节点的等待队列将满。"),
        ("More comes in than blocks take, or one account sends very much.",
         "交易流入快于区块处理，或某账户发送过多。"),
        ("See who waits by account. If blocks come slowly, look at the validators first.",
         "按账户查看等待者；如出块缓慢，请先检查验证人。"),
        _GOES_ON,
    ),
    _alarm(
        "validator_silent",
        ("A validator has not signed the last twenty blocks.", "某验证人最近二十个区块均未签名。"),
        ("It is down, cut off, or its clock is wrong. With a third of the power silent no block comes any more.",
         "其已停机、断网或时钟有误；若三分之一的权重不签名，将无法出块。"),
        ("Tell whoever runs it. It signs again by itself when it is back; never start its key twice.",
         "通知其运营者；恢复后会自动签名，切勿重复启动同一密钥。"),
        _GOES_ON,
    ),
    _alarm(
        "money_broken",
        ("The money on this node's ledger does not add up.", "本节点账本上的资金不平衡。"),
        ("A rule of the network made money or lost it, or this node's records were changed behind its back.",
         "网络规则出现差错而增减了资金，或本节点的记录被篡改。"),
        ("Run chainpos verify here and elsewhere. If both agree, operators stop the network; else make this node anew.",
         "在本节点和另一节点运行 chainpos verify；若结果相同，由运营方停止网络，否则重建本节点。"),
        _GOES_ON,
    ),
    _alarm(
        "double_sign",
        ("A validator is proved to have signed two blocks of one height.", "已证实某验证人在同一高度签署了两个区块。"),
        ("Its key runs twice, or its owner lies. The proof is in a block, for everybody to check.",
         "其密钥在两处运行，或其所有者作弊；证据已写入区块，人人可验证。"),
        ("Tell the network's operators: they remove the validator by a proposal. Keep the height for the report.",
         "通知网络运营方，由其通过提案移除该验证人；请记录高度备查。"),
        _GOES_ON,
    ),
)  # fmt: skip
ALARMS_BY_NAME: Final = {page.name: page for page in ALARMS}


def explain(code: str) -> Page | None:
    """The page of a code, by its number or its name; None where this version has none. Alarms have names alone."""
    if code.isascii() and code.isdecimal() and len(code) < 10:
        known = CODES_BY_NUMBER.get(int(code))
        return None if known is None else _rejection(known)
    for each in ALL_CODES:
        if each.name == code and each.name not in ALARMS_BY_NAME:
            return _rejection(each)
    return ALARMS_BY_NAME.get(code) or next((_rejection(each) for each in ALL_CODES if each.name == code), None)


def all_pages() -> tuple[Page, ...]:
    """Every page there is: rejections by number, then alarms."""
    return (*(_rejection(code) for code in ALL_CODES), *ALARMS)


def _rejection(code: Code) -> Page:
    room = CODESPACES[code.number]
    door = code.number in _AT_THE_DOOR
    return Page(
        number=code.number,
        name=code.name,
        kind="rejection",
        room=room,
        what_en=code.what_en,
        what_zh=code.what_zh,
        why_en=(
            "The node's waiting room refused it, before any block; nothing of it is on the ledger."
            if door
            else f"A rule of {room} refused it. Every node comes to the same answer, and it is on the ledger."
        ),
        why_zh=(
            "节点的等待队列未接收，未进入任何区块，账本上没有记录。"
            if door
            else f"「{room}」规则拒绝了该交易；所有节点结论一致，并已记录在账本上。"
        ),
        money_en="No. A refused transaction moves no money.",
        money_zh="否。被拒绝的交易不会变动任何资金。",
        tell_en=f"{code.what_en} Your money did not move.",
        tell_zh=f"{code.what_zh}您的资金未变动。",
        do_en=code.next_en,
        do_zh=code.next_zh,
        asked=_conditions().get(code.name, ()),
    )


@cache
def _conditions() -> dict[str, tuple[str, ...]]:
    """By a code's name, the conditions that refuse with it and where they stand."""
    found: dict[str, list[str]] = {}
    by_constant = _constants()
    files = [Path(EXECUTION), *sorted(Path(CONTRACTS).glob("*/rules.py")), *sorted(Path(CONTRACTS).glob("*/port.py"))]
    for file in files:
        known = source_file(str(file))
        for guard in known.guards.values():
            for dotted in guard.codes:
                code = _named(by_constant, file, dotted)
                if code is not None:
                    place = f"{short_name(str(file))}:{guard.test_low}"
                    found.setdefault(code, []).append(f"refused if {guard.condition} ({place})")
        for line, rung in known.rungs.items():
            code = _named(by_constant, file, rung.code)
            if code is not None and line == rung.line:
                place = f"{short_name(str(file))}:{line}"
                found.setdefault(code, []).append(f"refused unless {rung.condition} ({place})")
    return {name: tuple(each) for name, each in found.items()}


@cache
def _constants() -> dict[tuple[str, str], str]:
    """(capability, constant) -> code name: the constant is the name in capitals, but for a few."""
    from importlib import import_module

    found: dict[tuple[str, str], str] = {}
    for name in sorted({*CODESPACES.values()}):
        module = (
            "chainpos.core.contracts.codes"
            if name == envelope_codes.CODESPACE
            else f"chainpos.core.contracts.{name}.codes"
        )
        for constant, value in vars(import_module(module)).items():
            if isinstance(value, Code):
                found[(name, constant)] = value.name
    return found


def _named(constants: dict[tuple[str, str], str], file: Path, dotted: tuple[str, ...]) -> str | None:
    room = envelope_codes.CODESPACE if str(file) == EXECUTION else file.parent.name
    return constants.get((room, dotted[-1])) if dotted else None
