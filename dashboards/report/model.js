// Which rows are chosen, and what they come to. A row stands for one exchange or, where there were
// too many to tell each, for several that are much the same.
'use strict';

const NO_FILTER = {
	type: null, kind: null, server: null, client: null, error: null, host: null, status: null, outcome: null,
	from: null, to: null, least: null, most: null, text: '',
};

function rank(name) {
	return Object.hasOwn(TYPE_COLORS, name) ? TYPE_COLORS[name] : 99;
}

class Model {
	constructor({ head, words, rows, documents, calls }) {
		Object.assign(this, { head, words, rows, documents, calls });
		this.typeOfKind = Uint16Array.from(words.kinds, (kind) => kind[0]);
		// Once in the order of time taken, any choice of rows is in that order, and so is any group.
		this.order = Uint32Array.from({ length: rows.length }, (_, i) => i);
		const took = (i) => (Number.isNaN(rows.took[i]) ? Infinity : rows.took[i]);
		this.order.sort((a, b) => (took(a) < took(b) ? -1 : took(a) > took(b) ? 1 : a - b));
		// As people would list them, and in the same order for any files.
		this.types = words.types.map((name, type) => type).sort((a, b) => Math.sign(rank(words.types[a]) - rank(words.types[b])) || (words.types[a] < words.types[b] ? -1 : 1));
		this.first = rows.length ? rows.at[0] : 0;
		this.last = rows.length ? rows.at[rows.length - 1] : 0;
	}

	kindName(kind) {
		const name = this.words.kinds[kind][1];
		return name === null ? '(other requests)' : name;
	}

	errorName(error) {
		const name = this.words.errors[error][1];
		return name === null ? '(other errors)' : name;
	}

	// Of a server, client, host or status.
	wordOf(column, number) {
		const plural = COLUMNS[column], name = this.words[plural][number];
		return name === null ? `(other ${plural})` : name || '–';
	}

	typeName(type) {
		return this.words.types[type] || '(other types)';
	}

	// A test for rows: of all of them, or of the documents'.
	test(rows, filter) {
		const { type, outcome, from, to, least, most } = filter;
		const fixed = Object.keys(COLUMNS).filter((name) => filter[name] !== null).map((name) => [rows[name], filter[name]]);
		const sought = filter.text.trim().toLowerCase();
		const named = sought && this.words.kinds.map((_, i) => this.kindName(i).toLowerCase().includes(sought));

		return (i) =>
			(type === null || this.typeOfKind[rows.kind[i]] === type) &&
			fixed.every(([column, value]) => column[i] === value) &&
			(outcome === null || (rows.error[i] === 0) === (outcome === 'ok')) &&
			(from === null || rows.at[i] >= from) && (to === null || rows.at[i] < to) &&
			(least === null || rows.took[i] >= least) && (most === null || rows.took[i] < most) &&
			(!named || named[rows.kind[i]]);
	}

	choose(filter) {
		const matches = this.test(this.rows, filter);
		return this.order.filter((i) => matches(i));
	}

	// Numbers of kept documents.
	chooseDocuments(filter) {
		const matches = this.test(this.documents, filter);
		const chosen = [];
		for (let i = 0; i < this.documents.length; i++)
			if (matches(i))
				chosen.push(i);
		return chosen;
	}

	// Rows by a key below `keys`; each group is in the order of time taken.
	group(chosen, keyOf, keys) {
		const ends = new Uint32Array(keys + 1);
		for (const i of chosen)
			ends[keyOf(i) + 1]++;
		for (let k = 0; k < keys; k++)
			ends[k + 1] += ends[k];
		const places = ends.slice(0, keys);
		const sorted = new Uint32Array(chosen.length);
		for (const i of chosen)
			sorted[places[keyOf(i)]++] = i;
		return (key) => sorted.subarray(ends[key], ends[key + 1]);
	}

	// Rows in the order of time taken: those without one come last.
	sum(chosen) {
		const { took, bytes: sizes, count: counts, error } = this.rows;
		const of = { count: 0, failed: 0, timed: 0, total: 0, most: NaN, bytes: 0, chosen };
		for (const i of chosen) {
			of.count += counts[i];
			of.bytes += sizes[i] * counts[i];
			if (error[i] !== 0)
				of.failed += counts[i];
			if (!Number.isNaN(took[i])) {
				of.timed += counts[i];
				of.total += took[i] * counts[i];
				of.most = took[i];
			}
		}
		of.mean = of.timed ? of.total / of.timed : NaN;
		[of.p50, of.p95, of.p99] = this.percentiles(of, [0.5, 0.95, 0.99]);
		return of;
	}

	// The least time that this share of exchanges did not exceed.
	percentiles(of, shares) {
		const { took, count: counts } = this.rows;
		const found = shares.map(() => NaN);
		let next = 0, seen = 0;
		for (const i of of.chosen) {
			if (Number.isNaN(took[i]))
				break;
			seen += counts[i];
			while (next < shares.length && seen >= Math.ceil(shares[next] * of.timed - 1e-9))
				found[next++] = took[i];
			if (next === shares.length)
				break;
		}
		return found;
	}

	// How many different ones there are.
	different(chosen, column) {
		const seen = new Set(), values = this.rows[column];
		for (const i of chosen)
			seen.add(values[i]);
		seen.delete(0);
		return seen.size;
	}

	// When the first and the last of them began.
	between(chosen) {
		let first = Infinity, last = -Infinity;
		for (const i of chosen) {
			first = Math.min(first, this.rows.at[i]);
			last = Math.max(last, this.rows.at[i]);
		}
		return [first, last];
	}

	// A sum for each number of a column that occurs, as rows of a table.
	table(chosen, column) {
		const values = this.rows[column];
		return this.sums(chosen, (i) => values[i], this.words[COLUMNS[column]].length);
	}

	tableOfTypes(chosen) {
		return this.sums(chosen, (i) => this.typeOfKind[this.rows.kind[i]], this.words.types.length);
	}

	sums(chosen, keyOf, keys) {
		const group = this.group(chosen, keyOf, keys);
		const rows = [];
		for (let key = 0; key < keys; key++) {
			const members = group(key);
			if (members.length)
				rows.push({ key, ...this.sum(members) });
		}
		return rows;
	}
}

// ---- buckets of time ----

const STEPS = [
	...[1e-5, 1e-4, 1e-3, 1e-2, 1e-1].flatMap((unit) => [unit, 2 * unit, 5 * unit]),
	1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 2592000,
];

function bucketsOf(model, filter, most) {
	const from = filter.from ?? model.first, to = filter.to ?? model.last;
	// What is told coarser is not to be drawn finer.
	const least = model.head.times ? (model.last - model.first) / model.head.times * 2 : 0;
	const width = STEPS.find((step) => step >= least && (to - from) / step <= most - 1) || STEPS[STEPS.length - 1];
	const begin = Math.floor(from / width + 1e-6) * width;
	const length = Math.max(1, Math.ceil((to - begin) / width - 1e-6) + (filter.to === null ? 1 : 0));
	return { width, begin, length, starts: Array.from({ length }, (_, i) => begin + i * width) };
}
