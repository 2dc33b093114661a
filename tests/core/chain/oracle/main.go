// The oracle answers, with CometBFT's own code, the questions that the tests of core/chain ask: one JSON object a line
// in, one a line out. Bytes are hex, of protobuf messages where the name says so.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	dbm "github.com/cometbft/cometbft-db"
	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/crypto/ed25519"
	cmtjson "github.com/cometbft/cometbft/libs/json"
	"github.com/cometbft/cometbft/libs/log"
	cmtmath "github.com/cometbft/cometbft/libs/math"
	"github.com/cometbft/cometbft/light"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmtversion "github.com/cometbft/cometbft/proto/tendermint/version"
	sm "github.com/cometbft/cometbft/state"
	"github.com/cometbft/cometbft/types"
)

type object = map[string]any

type member struct {
	Key   string `json:"key"`
	Power int64  `json:"power"`
}

type step struct {
	Advance int32    `json:"advance"`
	Update  []member `json:"update"`
}

type result struct {
	Code      uint32 `json:"code"`
	Data      string `json:"data"`
	Log       string `json:"log"`
	GasWanted int64  `json:"gas_wanted"`
	GasUsed   int64  `json:"gas_used"`
}

type question struct {
	Ask     string   `json:"ask"`
	Members []member `json:"members"`
	Steps   []step   `json:"steps"`
	Results []result `json:"results"`
	Text    string   `json:"text"`

	ChainID       string   `json:"chain_id"`
	Block         string   `json:"block"`
	BlockID       string   `json:"block_id"`
	Header        string   `json:"header"`
	Commit        string   `json:"commit"`
	Validators    string   `json:"validators"`
	Height        int64    `json:"height"`
	Trusted       string   `json:"trusted"`
	TrustedCommit string   `json:"trusted_commit"`
	TrustedSet    string   `json:"trusted_set"`
	PeriodNs      int64    `json:"period_ns"`
	DriftNs       int64    `json:"drift_ns"`
	NowNs         int64    `json:"now_ns"`
	Level         []uint64 `json:"level"`

	InitialHeight  int64  `json:"initial_height"`
	TimeNs         int64  `json:"time_ns"`
	AppHash        string `json:"app_hash"`
	ResultsHash    string `json:"results_hash"`
	LastValidators string `json:"last_validators"`
	NextValidators string `json:"next_validators"`
	Params         string `json:"params"`
	AppVersion     uint64 `json:"app_version"`
}

func unhex(text string) []byte {
	found, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	if len(found) == 0 {
		return nil
	}
	return found
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func moment(ns int64) time.Time { return time.Unix(0, ns).UTC() }

func validators(members []member) []*types.Validator {
	found := []*types.Validator{}
	for _, m := range members {
		found = append(found, types.NewValidator(ed25519.PubKey(unhex(m.Key)), m.Power))
	}
	return found
}

func setOf(text string) *types.ValidatorSet {
	read := new(cmtproto.ValidatorSet)
	must(read.Unmarshal(unhex(text)))
	if len(read.Validators) == 0 {
		return types.NewValidatorSet(nil)
	}
	found, err := types.ValidatorSetFromProto(read)
	must(err)
	return found
}

func headerOf(text string) *types.Header {
	read := new(cmtproto.Header)
	must(read.Unmarshal(unhex(text)))
	found, err := types.HeaderFromProto(read)
	must(err)
	return &found
}

func commitOf(text string) *types.Commit {
	read := new(cmtproto.Commit)
	must(read.Unmarshal(unhex(text)))
	found, err := types.CommitFromProto(read)
	must(err)
	return found
}

func blockIDOf(text string) types.BlockID {
	read := new(cmtproto.BlockID)
	must(read.Unmarshal(unhex(text)))
	found, err := types.BlockIDFromProto(read)
	must(err)
	return *found
}

func askValidators(q question) object {
	set := types.NewValidatorSet(validators(q.Members))
	states := []object{describe(set)}
	for _, s := range q.Steps {
		if len(s.Update) > 0 {
			if err := set.UpdateWithChangeSet(validators(s.Update)); err != nil {
				states = append(states, object{"error": true})
				continue
			}
		}
		if s.Advance > 0 {
			set.IncrementProposerPriority(s.Advance)
		}
		states = append(states, describe(set))
	}
	return object{"states": states}
}

func describe(set *types.ValidatorSet) object {
	rows := []any{}
	for _, v := range set.Validators {
		rows = append(rows, []any{hex.EncodeToString(v.PubKey.Bytes()), v.VotingPower, v.ProposerPriority})
	}
	proto, err := set.ToProto()
	must(err)
	encoded, err := proto.Marshal()
	must(err)
	found := object{"rows": rows, "hash": hex.EncodeToString(set.Hash())}
	found["proposer"] = hex.EncodeToString(set.GetProposer().Address)
	found["encoded"] = hex.EncodeToString(encoded)
	return found
}

func askResults(q question) object {
	responses := []*abci.ExecTxResult{}
	for _, r := range q.Results {
		responses = append(responses, &abci.ExecTxResult{
			Code: r.Code, Data: unhex(r.Data), Log: r.Log, GasWanted: r.GasWanted, GasUsed: r.GasUsed,
		})
	}
	results := types.NewResults(responses)
	proofs := []string{}
	for i := range results {
		proof := results.ProveResult(i)
		encoded, err := proof.ToProto().Marshal()
		must(err)
		proofs = append(proofs, hex.EncodeToString(encoded))
	}
	return object{"hash": hex.EncodeToString(sm.TxResultsHash(responses)), "proofs": proofs}
}

func blockOf(text string) (*types.Block, error) {
	read := new(cmtproto.Block)
	if err := read.Unmarshal(unhex(text)); err != nil {
		return nil, err
	}
	return types.BlockFromProto(read)
}

func askBlock(q question) object {
	block, err := blockOf(q.Block)
	if err != nil {
		return object{"error": err.Error()}
	}
	parts, err := block.MakePartSet(types.BlockPartSizeBytes)
	must(err)
	return object{
		"hash": hex.EncodeToString(block.Hash()), "parts": parts.Total(),
		"parts_hash": hex.EncodeToString(parts.Hash()), "size": block.Size(), "evidence": len(block.Evidence.Evidence),
	}
}

func askCommit(q question) object {
	set, commit := setOf(q.Validators), commitOf(q.Commit)
	signBytes := []string{}
	for i := range commit.Signatures {
		signBytes = append(signBytes, hex.EncodeToString(commit.VoteSignBytes(q.ChainID, int32(i))))
	}
	err := set.VerifyCommit(q.ChainID, blockIDOf(q.BlockID), q.Height, commit)
	found := object{"ok": err == nil, "sign_bytes": signBytes, "hash": hex.EncodeToString(commit.Hash())}
	if err != nil {
		found["error"] = err.Error()
	}
	if median, err := sm.MedianTime(commit, set); err == nil && median.Unix() > 0 {
		found["median_ns"] = median.UnixNano()
	}
	return found
}

func askLight(q question) object {
	trusted := &types.SignedHeader{Header: headerOf(q.Trusted), Commit: commitOf(q.TrustedCommit)}
	untrusted := &types.SignedHeader{Header: headerOf(q.Header), Commit: commitOf(q.Commit)}
	err := light.Verify(
		trusted, setOf(q.TrustedSet), untrusted, setOf(q.Validators), time.Duration(q.PeriodNs), moment(q.NowNs),
		time.Duration(q.DriftNs), cmtmath.Fraction{Numerator: q.Level[0], Denominator: q.Level[1]},
	)
	var noTrust light.ErrNewValSetCantBeTrusted
	switch {
	case err == nil:
		return object{"outcome": "success"}
	case errors.As(err, &noTrust):
		return object{"outcome": "not_enough_trust"}
	default:
		return object{"outcome": "invalid", "error": err.Error()}
	}
}

func askValidate(q question) object {
	block, err := blockOf(q.Block)
	if err != nil {
		return object{"ok": false, "error": err.Error()}
	}
	params := new(cmtproto.ConsensusParams)
	must(params.Unmarshal(unhex(q.Params)))
	height := q.Height
	if height < q.InitialHeight {
		height = 0
	}
	state := sm.State{
		ChainID: q.ChainID, InitialHeight: q.InitialHeight, LastBlockHeight: height, LastBlockID: blockIDOf(q.BlockID),
		LastBlockTime: moment(q.TimeNs), NextValidators: setOf(q.NextValidators), Validators: setOf(q.Validators),
		LastValidators: setOf(q.LastValidators), ConsensusParams: types.ConsensusParamsFromProto(*params),
		AppHash: unhex(q.AppHash), LastResultsHash: unhex(q.ResultsHash),
	}
	state.Version.Consensus = cmtversion.Consensus{Block: 11, App: q.AppVersion}
	store := sm.NewStore(dbm.NewMemDB(), sm.StoreOptions{})
	executor := sm.NewBlockExecutor(store, log.NewNopLogger(), nil, nil, sm.EmptyEvidencePool{}, nil)
	if err := executor.ValidateBlock(state, block); err != nil {
		return object{"ok": false, "error": err.Error()}
	}
	return object{"ok": true}
}

func askGenesis(q question) object {
	doc, err := types.GenesisDocFromJSON([]byte(q.Text))
	if err != nil {
		return object{"error": err.Error()}
	}
	state, err := sm.MakeGenesisState(doc)
	if err != nil {
		return object{"error": err.Error()}
	}
	written, err := cmtjson.Marshal(doc)
	must(err)
	return object{
		"text": string(written), "params_hash": hex.EncodeToString(doc.ConsensusParams.Hash()),
		"validators": describe(state.Validators), "next_validators": describe(state.NextValidators),
	}
}

func answer(q question) (found object) {
	defer func() {
		if fault := recover(); fault != nil {
			found = object{"panic": strings.TrimSpace(fmt.Sprint(fault))}
		}
	}()
	switch q.Ask {
	case "validators":
		return askValidators(q)
	case "results":
		return askResults(q)
	case "block":
		return askBlock(q)
	case "commit":
		return askCommit(q)
	case "light":
		return askLight(q)
	case "validate":
		return askValidate(q)
	case "genesis":
		return askGenesis(q)
	}
	return object{"panic": "unknown question"}
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<28)
	for lines.Scan() {
		var q question
		must(json.Unmarshal(lines.Bytes(), &q))
		written, err := json.Marshal(answer(q))
		must(err)
		fmt.Println(string(written))
	}
}
