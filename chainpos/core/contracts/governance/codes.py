"""Why governance refuses; numbers 1001 to 1099."""

from __future__ import annotations

from typing import Final

from chainpos.errors import Code

MISSING_ROLE: Final = Code(
    1001, "missing_role",
    "The signer does not hold the role that this needs.", "签名人不具备此操作所需的角色。",
    "Have it signed by the office that holds the role.", "请由具备该角色的机构签名办理。",
)  # fmt: skip
UNKNOWN_ROLE: Final = Code(
    1002, "unknown_role",
    "The network has no role of this name.", "网络中没有该角色。",
    "Name the operator, the regulator, the central bank or the city.", "请填写运营方、监管方、中央银行或城市。",
)  # fmt: skip
UNKNOWN_CHANGE: Final = Code(
    1003, "unknown_change",
    "Governance does not decide this kind of change.", "该类变更不由治理流程决定。",
    "Update the program that proposed it.", "请更新提交提案的程序。",
)  # fmt: skip
BAD_CHANGE: Final = Code(
    1004, "bad_change",
    "The proposed change cannot be read, or cannot be as it is.", "提案的变更内容无法读取或数值无效。",
    "Correct it and propose it again.", "请更正后重新提交提案。",
)  # fmt: skip
BAD_PROPOSAL_TITLE: Final = Code(
    1005, "bad_proposal_title",
    "The proposal's title is missing, too long or has forbidden characters.", "提案标题缺失、过长或含有不允许的字符。",
    "Give a title in plain text of at most 96 bytes.", "请用不超过96字节的普通文字填写标题。",
)  # fmt: skip
BAD_PROPOSAL_EXPIRY: Final = Code(
    1006, "bad_proposal_expiry",
    "The proposal would end in the past, or be open for too long.", "提案截止时间早于现在或开放时间过长。",
    "Give an end within the time that the network allows.", "请在网络允许的期限内填写截止时间。",
)  # fmt: skip
NO_QUORUM_SET: Final = Code(
    1007, "no_quorum_set",
    "The network has not said whose approval this needs.", "网络尚未规定此类提案需由谁批准。",
    "Ask the network's operator; genesis names the quorums.", "请联系网络运营方，法定人数由创世文件规定。",
)  # fmt: skip
UNKNOWN_PROPOSAL: Final = Code(
    1008, "unknown_proposal",
    "There is no proposal of this number.", "没有该编号的提案。",
    "Check the proposal's number.", "请核对提案编号。",
)  # fmt: skip
PROPOSAL_DECIDED: Final = Code(
    1009, "proposal_decided",
    "The proposal was enacted or withdrawn before.", "该提案已生效或已撤回。",
    "Look at how it was decided; propose again if need be.", "请查看处理结果，必要时重新提案。",
)  # fmt: skip
PROPOSAL_EXPIRED: Final = Code(
    1010, "proposal_expired",
    "The proposal found no quorum in its time.", "该提案未在期限内获得法定人数批准。",
    "Propose it again.", "请重新提案。",
)  # fmt: skip
PROPOSAL_DIFFERS: Final = Code(
    1011, "proposal_differs",
    "What was approved is not what was proposed under this number.", "所批准的内容与该编号提案的内容不一致。",
    "Read the proposal again before approving it.", "请重新阅读提案内容后再批准。",
)  # fmt: skip
ALREADY_APPROVED: Final = Code(
    1012, "already_approved",
    "This key approved the proposal before; each has one voice.", "该密钥已批准过此提案，每个密钥仅一票。",
    "Have another key holder approve it.", "请由其他密钥持有人批准。",
)  # fmt: skip
NOT_PROPOSER: Final = Code(
    1013, "not_proposer",
    "Only who made the proposal may withdraw it.", "只有提案人可以撤回提案。",
    "Ask the proposer, or let it expire.", "请联系提案人，或等待提案到期。",
)  # fmt: skip
CHANGE_NOT_AHEAD: Final = Code(
    1014, "change_not_ahead",
    "The change would hold from a moment that has passed.", "变更的生效时间已过。",
    "Propose it again with a later date.", "请以更晚的生效时间重新提案。",
)  # fmt: skip
BAD_ROLE_KEY: Final = Code(
    1015, "bad_role_key",
    "The key for the role is not a 32-byte public key.", "角色公钥不是32字节。",
    "Export the public key again from the holder's signer.", "请从持有人的签名设备重新导出公钥。",
)  # fmt: skip
ROLE_HELD: Final = Code(
    1016, "role_held",
    "The key holds this role already.", "该密钥已具备此角色。",
    "Nothing needs to be done.", "无需再办理。",
)  # fmt: skip
ROLE_NOT_HELD: Final = Code(
    1017, "role_not_held",
    "The key does not hold this role.", "该密钥不具备此角色。",
    "Check the key and the role.", "请核对密钥与角色。",
)  # fmt: skip
TOO_MANY_HOLDERS: Final = Code(
    1018, "too_many_holders",
    "As many keys hold this role as the network allows.", "该角色的密钥数量已达上限。",
    "Remove another key from the role first.", "请先移除该角色的其他密钥。",
)  # fmt: skip
QUORUM_UNREACHABLE: Final = Code(
    1019, "quorum_unreachable",
    "Too few keys would hold a role for its quorum ever to be reached.", "具备该角色的密钥过少，将无法达到法定人数。",
    "Add another key to the role first, or lower the quorum.", "请先为该角色增加密钥，或降低法定人数。",
)  # fmt: skip
BAD_VALIDATOR_KEY: Final = Code(
    1020, "bad_validator_key",
    "The validator's key is not a 32-byte public key.", "验证节点公钥不是32字节。",
    "Take the public key from the validator's own file.", "请从验证节点自己的密钥文件中读取公钥。",
)  # fmt: skip
BAD_VALIDATOR_POWER: Final = Code(
    1021, "bad_validator_power",
    "The validator's power is negative, too large, or the same as before.", "验证节点的权重为负、过大或没有变化。",
    "Give another power; zero removes the validator.", "请填写其他权重，零表示移除。",
)  # fmt: skip
UNKNOWN_VALIDATOR: Final = Code(
    1022, "unknown_validator",
    "No validator of this network has this key.", "网络中没有使用该密钥的验证节点。",
    "Check the validator's key.", "请核对验证节点公钥。",
)  # fmt: skip
LAST_VALIDATOR: Final = Code(
    1023, "last_validator",
    "Without this validator nobody would make blocks.", "移除该验证节点后将无人出块。",
    "Add another validator first.", "请先增加其他验证节点。",
)  # fmt: skip
TOO_MANY_VALIDATORS: Final = Code(
    1024, "too_many_validators",
    "The network has as many validators as it may have.", "验证节点数量已达上限。",
    "Remove another validator first.", "请先移除其他验证节点。",
)  # fmt: skip
BAD_QUORUM: Final = Code(
    1025, "bad_quorum",
    "A role is named twice or not at all, or one key alone could decide.", "角色重复或缺失，或一把密钥即可决定。",
    "Ask for two approvals or more, each role once.", "请要求至少两次批准，每个角色只列一次。",
)  # fmt: skip
BAD_UPGRADE: Final = Code(
    1026, "bad_upgrade",
    "The upgrade is not to a later version, or its height is too near.", "升级版本不高于当前版本或升级高度过近。",
    "Choose a later version, and a height that gives operators time.", "请选择更高版本，并为运营方预留足够高度。",
)  # fmt: skip
QUORUM_NOT_LATER: Final = Code(
    1027, "quorum_not_later",
    "A later or the same date is scheduled for this quorum already.", "该法定人数已安排了同日或更晚的变更。",
    "Choose a date after the last one that is scheduled.", "请选择晚于已安排日期的时间。",
)  # fmt: skip

CODES: Final = (
    MISSING_ROLE, UNKNOWN_ROLE, UNKNOWN_CHANGE, BAD_CHANGE, BAD_PROPOSAL_TITLE, BAD_PROPOSAL_EXPIRY, NO_QUORUM_SET,
    UNKNOWN_PROPOSAL, PROPOSAL_DECIDED, PROPOSAL_EXPIRED, PROPOSAL_DIFFERS, ALREADY_APPROVED, NOT_PROPOSER,
    CHANGE_NOT_AHEAD, BAD_ROLE_KEY, ROLE_HELD, ROLE_NOT_HELD, TOO_MANY_HOLDERS, QUORUM_UNREACHABLE, BAD_VALIDATOR_KEY,
    BAD_VALIDATOR_POWER, UNKNOWN_VALIDATOR, LAST_VALIDATOR, TOO_MANY_VALIDATORS, BAD_QUORUM, BAD_UPGRADE,
    QUORUM_NOT_LATER,
)  # fmt: skip
