// The oracle verifies, with CometBFT's own proof runtime and with the reference implementation of ICS-23, the proofs that
// the tests of core/state bring: one JSON object a line in, one a line out. Bytes are hex.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	"github.com/cometbft/cometbft/crypto/merkle"
	cmtcrypto "github.com/cometbft/cometbft/proto/tendermint/crypto"
	ics23 "github.com/cosmos/ics23/go"
)

type question struct {
	Ask   string   `json:"ask"`
	Root  string   `json:"root"`
	Path  []string `json:"path"`
	Key   string   `json:"key"`
	Value string   `json:"value"`
	Proof string   `json:"proof"`
}

func unhex(text string) []byte {
	found, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return found
}

// simpleValue verifies encoded ProofOps, as CometBFT's light client proxy does with the answer of an abci_query.
func simpleValue(q question) error {
	ops := new(cmtcrypto.ProofOps)
	if err := ops.Unmarshal(unhex(q.Proof)); err != nil {
		return err
	}
	path := merkle.KeyPath{}
	for _, key := range q.Path {
		path = path.AppendKey(unhex(key), merkle.KeyEncodingHex)
	}
	return merkle.DefaultProofRuntime().VerifyValue(ops, unhex(q.Root), path.String(), unhex(q.Value))
}

// membership verifies an encoded ICS-23 commitment proof by the Tendermint spec.
func membership(q question) error {
	proof := new(ics23.CommitmentProof)
	if err := proof.Unmarshal(unhex(q.Proof)); err != nil {
		return err
	}
	if !ics23.VerifyMembership(ics23.TendermintSpec, unhex(q.Root), proof, unhex(q.Key), unhex(q.Value)) {
		return fmt.Errorf("not a member")
	}
	return nil
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<24)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var q question
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			panic(err)
		}
		verify := map[string]func(question) error{"simple_value": simpleValue, "membership": membership}[q.Ask]
		answer := ""
		if err := verify(q); err != nil {
			answer = err.Error()
		}
		if err := out.Encode(map[string]string{"refused": answer}); err != nil {
			panic(err)
		}
	}
	if err := lines.Err(); err != nil {
		panic(err)
	}
}
