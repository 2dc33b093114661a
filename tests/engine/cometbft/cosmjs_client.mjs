// Drives a node with @cosmjs/tendermint-rpc, Comet38Client: node cosmjs_client.mjs URL QUERY_PATH QUERY_KEY TX...
// Its decoders throw on what they do not accept. One JSON object on stdout says what it saw.
import { createRequire } from "node:module";
const require = createRequire(process.cwd() + "/");
const { Comet38Client } = require("@cosmjs/tendermint-rpc");

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const bytes = (text) => Uint8Array.from(Buffer.from(text, "hex"));
const [url, path, key, ...txs] = process.argv.slice(2);
const saw = {};

const client = await Comet38Client.connect(url);
const status = await client.status();
saw.status = { height: status.syncInfo.latestBlockHeight, network: status.nodeInfo.network };
await client.health();
saw.genesis = (await client.genesis()).chainId;
const info = await client.abciInfo();
saw.info = { data: info.data, height: info.lastBlockHeight };

const blocks = [], headers = [], events = [];
const subscriptions = url.startsWith("ws")
  ? [
      client.subscribeNewBlock().subscribe({ next: (event) => blocks.push(event.header.height), error: fail }),
      client.subscribeNewBlockHeader().subscribe({ next: (event) => headers.push(event.height), error: fail }),
      client.subscribeTx().subscribe({ next: (event) => events.push(hex(event.hash)), error: fail }),
    ]
  : [];

const [first, second, third, junk] = txs.map(bytes);
const sync = await client.broadcastTxSync({ tx: first });
saw.sync = { code: sync.code, hash: hex(sync.hash) };
await client.broadcastTxAsync({ tx: second });
const committed = await client.broadcastTxCommit({ tx: third });
saw.commit = { check: committed.checkTx.code, code: committed.txResult.code, height: committed.height };
saw.refused = (await client.broadcastTxSync({ tx: junk })).code;
saw.waiting = (await client.numUnconfirmedTxs()).total;

const height = committed.height;
let found;
for (let attempt = 0; attempt < 100 && !found; attempt += 1) {
  found = await client.tx({ hash: sync.hash, prove: true }).catch(() => undefined);
  if (!found) await new Promise((resolve) => setTimeout(resolve, 50));
}
saw.tx = { hash: hex(found.hash), code: found.result.code, root: hex(found.proof.rootHash), tx: hex(found.tx) };
for (let attempt = 0; attempt < 100; attempt += 1) {
  if ((await client.status()).syncInfo.latestBlockHeight > height) break;
  await new Promise((resolve) => setTimeout(resolve, 50));
}
const block = await client.block(height);
saw.block = { height: block.block.header.height, txs: block.block.txs.length };
saw.first = (await client.block(1)).block.header.height;
saw.latest = (await client.block()).block.header.height >= height;
saw.results = (await client.blockResults(height)).results.map((result) => result.code);
saw.blockchain = (await client.blockchain(1, height)).blockMetas.length;
const commit = await client.commit(height);
saw.signatures = commit.commit.signatures.length;
saw.validators = (await client.validatorsAll(height)).validators.length;
saw.search = (await client.txSearch({ query: `tx.height=${height}`, prove: true, page: 1, per_page: 10 })).totalCount;
saw.searchAll = (await client.txSearchAll({ query: `tx.height>0` })).txs.length;
const query = await client.abciQuery({ path, data: bytes(key), prove: true });
saw.query = { value: hex(query.value), ops: query.proof.ops.length, code: query.code };

for (let attempt = 0; url.startsWith("ws") && attempt < 100 && events.length < 3; attempt += 1) {
  await new Promise((resolve) => setTimeout(resolve, 50));
}
saw.events = { blocks: blocks.length, headers: headers.length, txs: events.length };
for (const subscription of subscriptions) subscription.unsubscribe();
await client.status();
client.disconnect();
console.log(JSON.stringify(saw));
process.exit(0);

function fail(error) {
  console.error(error);
  process.exit(1);
}
