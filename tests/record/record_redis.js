// What ioredis asks and gets, a JSON line each, for record_redis.py.
const Redis = require("ioredis");

const shown = (value) =>
	value === null ? "nil" : Array.isArray(value) ? "[" + value.map(shown).join(", ") + "]" : String(value);
const now = () => Math.round((performance.timeOrigin + performance.now()) * 1e6);

function row(port, words, answer, sentAt) {
	const error = answer instanceof Error;
	console.log(JSON.stringify({ port, server_port: 6379, query: words.join(" "),
		answer: error ? answer.message : shown(answer), error, waited: now() - sentAt }));
}

async function main() {
	const redis = new Redis(6379, "127.0.0.1", { disableClientInfo: true });
	await new Promise((resolve) => redis.on("ready", resolve));
	const port = redis.stream.localPort;
	for (let i = 1; i <= 10; i++)
		for (const words of [["set", `id-${i}`, `id-${i}`], ["get", `id-${i}`], ["mget", `id-${i}`, "none"],
			["lpop", `id-${i}`]]) {
			const at = now();
			row(port, words, await redis.call(...words).catch((error) => error), at);
		}
	const words = [...Array(60).keys()].map((i) => ["echo", `id-${i + 100}`]);
	let at = now();
	const answers = await redis.pipeline(words.map((w) => ["call", ...w])).exec();
	answers.forEach(([error, answer], i) => row(port, words[i], error || answer, at));
	const queued = [["set", "id-200", "id-200"], ["incr", "id-200"], ["get", "id-200"]];
	at = now();
	const multi = redis.multi();
	queued.forEach((w) => multi.call(...w));
	const results = await multi.exec();
	row(port, ["multi"], "OK", at);
	results.forEach(([error, answer], i) => row(port, queued[i], error || answer, at));
	row(port, ["exec"], "3 results", at);
	redis.disconnect();
}

main();
