"""The model-based verdicts on light clients in the public vectors (tendermint-rs, light_client/single_step)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from chainpos.core.chain.commit import ABSENT, Commit, CommitSig
from chainpos.core.chain.verifier import Outcome, TrustedState, TrustOptions, UntrustedBlock, Verdict, verify
from chainpos.core.values.timestamps import parse_rfc3339
from tests.core.chain.conftest import Json, commit_of, header_of, load_json, validators_of


def trusted_of(signed_header: Json, next_validators: Json) -> TrustedState:
    header = header_of(signed_header["header"])
    return TrustedState(
        header.chain_id,
        header.height,
        header.time_ns,
        header,
        validators_of(next_validators),
        header.next_validators_hash,
    )


def without_absent_times(commit: Commit) -> Commit:
    """The vectors write 1970 for a vote that was never cast, where CometBFT wants Go's zero time."""
    votes = tuple(CommitSig() if vote.flag == ABSENT else vote for vote in commit.signatures)
    return msgspec.structs.replace(commit, signatures=votes)


def verdicts_of(path: Path) -> list[Verdict]:
    """Our verdicts on one file, each of which has the outcome that the file wants."""
    case = load_json(path)
    initial = case["initial"]
    trusted = trusted_of(initial["signed_header"], initial["next_validator_set"]["validators"])
    options = TrustOptions(trusting_period_ns=int(initial["trusting_period"]), clock_drift_ns=0)
    verdicts = []
    for step, given in enumerate(case["input"]):
        read = given["block"]
        block = UntrustedBlock(
            header_of(read["signed_header"]["header"]),
            without_absent_times(commit_of(read["signed_header"]["commit"])),
            validators_of(read["validator_set"]["validators"]),
        )
        verdict = verify(trusted, block, options, parse_rfc3339(given["now"]))
        assert verdict.outcome.name == given["verdict"], f"{path.name} step {step}: {verdict.code}"
        assert (verdict.trusted is not None) == (verdict.outcome is Outcome.SUCCESS)
        verdicts.append(verdict)
        if verdict.ok:
            trusted = trusted_of(read["signed_header"], read["next_validator_set"]["validators"])
    return verdicts


def test_every_verdict_of_the_model_is_ours(vectors: Path) -> None:
    paths = sorted((vectors / "light_client" / "single_step").glob("*.json"))
    found = {path.stem: verdicts_of(path) for path in paths}
    outcomes = Counter(verdict.outcome.name for verdicts in found.values() for verdict in verdicts)
    assert len(found) == 41
    assert outcomes == {"SUCCESS": 44, "NOT_ENOUGH_TRUST": 42, "INVALID": 13}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("MC4_4_faulty_TestHeaderFromFuture", "header_from_future"),
        ("MC10_3_faulty_TestHeaderFromFuture", "header_from_future"),
        ("MC4_4_faulty_TestHeaderNotWithinTrustingPeriod", "trust_expired"),
        ("MC10_3_faulty_TestHeaderNotWithinTrustingPeriod", "trust_expired"),
        ("MC4_4_faulty_TestNonMonotonicHeight", "height_not_greater"),
        ("MC4_4_faulty_TestLessThanTwoThirdsSign", "not_enough_power"),
    ],
)
def test_what_the_model_refuses_is_refused_for_the_reason_in_its_name(vectors: Path, name: str, code: str) -> None:
    verdicts = verdicts_of(vectors / "light_client" / "single_step" / f"{name}.json")
    assert code in [verdict.code for verdict in verdicts]
