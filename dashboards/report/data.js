// What `wirespan report` wrote into the page: a head in plain JSON, and four parts in base64 of zlib
// streams: rows (columns of numbers), words (JSON), documents and calls (columns, then lines of JSON).
'use strict';

const NO_TIME = 0xffffff;

// What a row has a word of, in the order of its columns, and how the words are listed.
const COLUMNS = { kind: 'kinds', server: 'servers', client: 'clients', error: 'errors', host: 'hosts', status: 'statuses' };

async function inflate(base64) {
	const text = atob(base64);
	const bytes = new Uint8Array(text.length);
	for (let i = 0; i < text.length; i++)
		bytes[i] = text.charCodeAt(i);
	const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
	return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Columns lie in planes: all lowest bytes, all next ones, and so on.
class Planes {
	constructor(bytes, count) {
		this.bytes = bytes;
		this.count = count;
		this.at = 0;
	}

	column(width, into) {
		let scale = 1;
		for (let plane = 0; plane < width; plane++, scale *= 256)
			for (let i = 0; i < this.count; i++)
				into[i] += this.bytes[this.at++] * scale;
		return into;
	}
}

// Seconds since the epoch, nanoseconds taken (NaN: not known), numbers of words, bytes, counts.
function readRows(bytes, count, head, counts) {
	const planes = new Planes(bytes, count);
	const at = planes.column(4, new Float64Array(count));
	const short = planes.column(3, new Uint32Array(count));
	const rows = { length: count, at, took: new Float64Array(count) };
	const bits = new DataView(new ArrayBuffer(4));
	const origin = Number(BigInt(head.origin) / 1000n) / 1e6;
	let ticks = 0;

	for (let i = 0; i < count; i++) {
		ticks += at[i];
		at[i] = origin + ticks * head.tick / 1e9;
		bits.setUint32(0, short[i] << 7); // without its sign, which is plus
		rows.took[i] = short[i] === NO_TIME ? NaN : bits.getFloat32(0);
	}
	for (const name of Object.keys(COLUMNS))
		rows[name] = planes.column(2, new Uint16Array(count));
	rows.bytes = planes.column(2, new Uint32Array(count)).map((size) => {
		bits.setUint32(0, size << 15);
		return bits.getFloat32(0);
	});
	rows.count = counts ? planes.column(6, new Float64Array(count)) : new Float64Array(count).fill(1);
	rows.end = planes.at;
	return rows;
}

async function readDocuments(base64, count, head) {
	const bytes = await inflate(base64);
	const rows = readRows(bytes, count, head, false);
	rows.lines = new TextDecoder().decode(bytes.subarray(rows.end)).split('\n');
	rows.cache = new Map();
	return rows;
}

// A whole number beyond what JavaScript can hold stays the text that it was.
function parseDocument(line) {
	return JSON.parse(line, (key, value, context) =>
		typeof value === 'number' && !Number.isSafeInteger(value) && context ? context.source : value);
}

function documentOf(rows, i) {
	if (!rows.cache.has(i))
		rows.cache.set(i, parseDocument(rows.lines[i]));
	return rows.cache.get(i);
}

function dig(document, path) {
	let value = document;
	for (const part of path.split('.')) {
		if (value === null || typeof value !== 'object' || !Object.hasOwn(value, part))
			return undefined;
		value = value[part];
	}
	return value;
}

// [path, value] of all that a document holds; lists of plain values are one.
function* fieldsOf(value, path = '') {
	const plain = value === null || typeof value !== 'object';
	if (plain || (Array.isArray(value) && value.every((v) => v === null || typeof v !== 'object'))) {
		yield [path, value];
		return;
	}
	for (const [key, inner] of Object.entries(value))
		yield* fieldsOf(inner, path ? `${path}.${key}` : key);
}

async function readContent() {
	const head = JSON.parse(document.getElementById('content').textContent);
	const [rowBytes, wordBytes, documents, calls] = await Promise.all([
		inflate(head.packed_rows), inflate(head.packed_words),
		readDocuments(head.packed_documents, head.documents, head),
		readDocuments(head.packed_calls, head.calls, head),
	]);
	const words = JSON.parse(new TextDecoder().decode(wordBytes));
	const rows = readRows(rowBytes, head.rows, head, head.counts);
	// Numbers begin at 1; 0 is no text.
	for (const name of ['types', 'servers', 'clients', 'hosts', 'statuses'])
		words[name].unshift('');
	for (const name of ['kinds', 'errors'])
		words[name].unshift([0, '']);
	return { head, words, rows, documents, calls };
}
