"""CometBFT's JSON, both ways: `..._json` makes it of core's types, `read_...` makes core's types of what came.

64-bit integers are text, smaller ones numbers; bytes are base64, hashes and addresses upper-case hex; an empty byte
string is null where CometBFT has a nil slice. Reading is strict: text that is no such number, hash or time raises
MalformedBytes. Fields that are not known are passed over, as other versions of CometBFT add some.
"""
