"""CometBFT's wire: blocks, commits, validators, proofs, transactions' envelopes, and who may be believed."""
