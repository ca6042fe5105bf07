// A Thrift server or client with Node: serve|call PORT PROTOCOL TRANSPORT [FIRST_ID [together]]; a
// client prints a JSON line for each call. With `together` it makes all calls before it reads an answer,
// and the server gives its answers as they are ready: out of order.
const [what, port, protocol, transport, first, mode] = process.argv.slice(2);
const thrift = require("thrift");
const Calls = require("./gen-nodejs/Calls");
const { Item, Op, Refused } = require("./gen-nodejs/calls_types");

const header = transport === "header";
const options = {
  transport: transport === "socket" ? thrift.TBufferedTransport : thrift.TFramedTransport,
  protocol: header ? thrift.THeaderProtocol
    : { binary: thrift.TBinaryProtocol, compact: thrift.TCompactProtocol, json: thrift.TJSONProtocol }[protocol],
};

const handler = {
  ping: (id, done) => done(null),
  echo: (id, text, done) => done(null, `${id} ${text}`),
  calculate: (id, op, a, b, done) => {
    if (op === Op.DIVIDE && b === 0) done(new Refused({ code: 4, why: `${id} divides by 0` }));
    else done(null, op === Op.ADD ? a + b : op === Op.SUBTRACT ? a - b : Math.trunc(a / b));
  },
  enrich: (id, item, done) => {
    item.count++;
    done(null, item);
  },
  crash: (id, done) => done(new Error(id)),
  many: (id, n, done) => setTimeout(() => done(null, Array.from({ length: n }, (_, i) => `${id} ${i}`)), 4 * n),
  forget: (id) => {},
};

async function call() {
  const connection = thrift.createConnection("127.0.0.1", Number(port), options);
  await new Promise((good) => connection.on("connect", good));
  const client = thrift.createClient(Calls, connection);
  const item = (name) => new Item({ name, count: -7, prices: [1.5, -0.1, 1e300], tags: { a: [1, -2, 2 ** 40] }, ok: true,
    raw: Buffer.from([0xff, 0, 1]), op: Op.ADD, small: -300, tiny: -3, nested: [{ 4: [true, false] }, {}] });
  const one = [["ping"], ["echo", "gr\u00fc\u00df"], ["calculate", Op.SUBTRACT, 4, 9], ["calculate", Op.DIVIDE, 1, 0],
    ["enrich", item], ["crash"], ["many", 20], ["forget"], ["ping"]];
  const several = [["many", 12], ["many", 3], ["forget"], ["echo", "first"], ["calculate", Op.ADD, 1, 2], ["many", 7],
    ["crash"], ["calculate", Op.DIVIDE, 1, 0], ["ping"], ["echo", "last"]];
  if (protocol === "json") one.splice(4, 1); // binary values are not base64 there
  const calls = mode === "together" ? several : one;
  const rows = calls.map(([method, ...rest], i) => async () => {
    const id = `id-${Number(first) + i}`;
    const row = { id, port: connection.connection.localPort, method, returned: "", error: "" };
    // Clocks count milliseconds here: the call lies within these.
    row.sent_at = Date.now() + "000000";
    await new Promise((good) => client[method](id, ...rest.map((r) => (typeof r === "function" ? r(id) : r)), (error, got) => {
      if (error) row.error = error.why || error.message;
      else if (got !== undefined && got !== null) row.returned = String(method === "enrich" ? got.name : Array.isArray(got) ? got[0] : got);
      good();
    }));
    row.done_at = Date.now() + 1 + "000000";
    console.log(JSON.stringify(row).replace(/"(sent_at|done_at)":"(\d+)"/g, '"$1":$2'));
  });
  if (mode === "together") await Promise.all(rows.map((row) => row()));
  else for (const row of rows) await row();
  connection.end();
}

if (what === "serve") thrift.createServer(Calls, handler, options).listen(Number(port), "127.0.0.1");
else call();
