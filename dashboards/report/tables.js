// Tables whose heads sort and whose rows choose.
'use strict';

const numeric = (key) => (a, b) => {
	const x = a[key], y = b[key];
	if (Number.isNaN(x) || Number.isNaN(y))
		return Number.isNaN(x) - Number.isNaN(y);
	return y - x;
};

class Table {
	// `columns`: {key, label, cell(row), title, text: words, left: numbers that begin at the left, wide: not on narrow screens,
	// grow: takes what is left, opens: its content is a button}
	constructor({ name, label, columns, sort, rows: limit = 10, choose, caption }) {
		Object.assign(this, { name, columns, sort, limit, choose, shown: limit, rows: [] });
		this.heads = columns.map((column) => el('th', { scope: 'col', class: this.classOf(column) },
			button(column.label, () => this.turn(column.key), { title: column.title, 'data-key': `${name} head ${column.key}` })));
		this.body = el('tbody');
		this.more = button('', () => { this.shown += 5 * this.limit; this.fill(); }, { class: 'more', 'data-key': `${name} more` });
		this.none = el('p', { class: 'none' }, 'Nothing matches.');
		this.element = el('div', { class: 'table', id: `table-${name}` },
			el('table', {}, el('caption', { class: caption ? '' : 'hidden' }, caption || label), el('thead', {}, el('tr', {}, this.heads)), this.body),
			this.none, this.more);
	}

	classOf(column) {
		return [column.text ? 'words' : 'number', column.left ? 'left' : '', column.wide ? 'wide' : '', column.grow ? 'grow' : ''].join(' ');
	}

	// By another column, or the other way round.
	turn(key) {
		const same = this.sort.key === key;
		this.sort = { key, down: same ? !this.sort.down : !this.columns.find((column) => column.key === key).text };
		this.fill();
		this.onsort?.();
	}

	set(rows) {
		this.rows = rows;
		this.shown = this.limit;
		this.fill();
	}

	order() {
		const column = this.columns.find((one) => one.key === this.sort.key);
		const sign = this.sort.down ? 1 : -1;
		if (!column.text)
			// What has no number stands last either way.
			return this.rows.sort((a, b) => {
				const none = Number.isNaN(a[column.key]) - Number.isNaN(b[column.key]);
				return none || sign * numeric(column.key)(a, b) || a.key - b.key;
			});
		return this.rows.sort((a, b) => -sign * (a[column.key] < b[column.key] ? -1 : a[column.key] > b[column.key] ? 1 : 0) || a.key - b.key);
	}

	fill() {
		keepingFocus(() => {
			this.order();
			this.columns.forEach((column, i) => {
				const here = column.key === this.sort.key;
				this.heads[i].setAttribute('aria-sort', here ? (this.sort.down ? 'descending' : 'ascending') : 'none');
			});
			this.body.replaceChildren(...this.rows.slice(0, this.shown).map((row) => this.row(row)));
			this.none.hidden = this.rows.length > 0;
			this.more.hidden = this.rows.length <= this.shown;
			this.more.textContent = `Show more (${count(this.rows.length - this.shown)} left)`;
		});
	}

	row(row) {
		const act = (event) => {
			if (!getSelection().toString())
				this.choose(row, event);
		};
		const cells = this.columns.map((column) => {
			const content = column.cell(row);
			const inner = column.opens ? button(content, (event) => { event.stopPropagation(); this.choose(row, event); },
				{ class: 'link', 'data-key': `${this.name} row ${row.key}`, title: column.hint?.(row) }) : content;
			return el('td', { class: this.classOf(column), 'data-label': column.label }, inner);
		});
		return el('tr', { onclick: act }, cells);
	}
}

// A number with a bar of its share of the largest behind it.
function meter(text, share, bad) {
	const bar = el('span', { class: bad ? 'meter bad' : 'meter' });
	bar.style.width = `${Math.max(0, Math.min(100, 100 * share)).toFixed(1)}%`;
	return el('span', { class: 'metered' }, bar, el('span', {}, text));
}

class Tables {
	constructor(model, set) {
		this.model = model;
		const times = [
			{ key: 'p50', label: 'p50', title: 'Half were faster', wide: true, cell: (row) => duration(row.p50) },
			{ key: 'p95', label: 'p95', title: '95 % were faster', cell: (row) => duration(row.p95) },
			{ key: 'p99', label: 'p99', title: '99 % were faster', wide: true, cell: (row) => duration(row.p99) },
			{ key: 'most', label: 'Max', wide: true, cell: (row) => duration(row.most) },
		];
		const counted = { key: 'count', label: 'Count', cell: (row) => meter(count(row.count), row.count / this.largest(row, 'count')) };
		const total = { key: 'total', label: 'Total time', title: 'Of all these together', cell: (row) => meter(duration(row.total), row.total / this.largest(row, 'total')) };
		const failures = { key: 'failed', label: 'Failed', cell: (row) => (row.failed ? el('span', { class: 'failed' }, `${count(row.failed)}`, el('small', {}, ` ${percent(row.failed, row.count)}`)) : el('span', { class: 'zero' }, '0')) };
		const until = { key: 'until', label: 'Last', left: true, wide: true, cell: (row) => el('time', { class: 'mono' }, time(row.until, 0)) };
		const size = { key: 'bytes', label: 'Bytes', title: 'Both ways', wide: true, cell: (row) => bytes(row.bytes) };
		const word = (name, label, key, sort, columns) => new Table({
			name, label, rows: 8, sort: { key: sort, down: true }, choose: (row) => set({ [key]: row.key }),
			columns: [{ key: 'name', label, text: true, grow: true, opens: true, cell: (row) => row.name }, ...columns],
		});
		this.types = new Table({
			name: 'types', label: 'Types', rows: 24, sort: { key: 'count', down: true }, choose: (row) => set({ type: row.key }),
			columns: [
				{ key: 'name', label: 'Type', text: true, grow: true, opens: true, cell: (row) => badge(row.name, row.key) },
				counted, failures, ...times, size, total,
			],
		});
		this.requests = new Table({
			name: 'requests', label: 'Requests', rows: 10, sort: { key: 'p95', down: true }, choose: (row) => set({ kind: row.key }),
			columns: [
				{ key: 'type', label: 'Type', text: true, cell: (row) => badge(row.type, row.typeNumber) },
				{ key: 'name', label: 'Request', text: true, grow: true, opens: true, cell: (row) => row.name, hint: (row) => row.name },
				counted, failures, ...times, total,
			],
		});
		this.servers = word('servers', 'Server', 'server', 'total', [counted, failures, times[1], size, total]);
		this.clients = word('clients', 'Client', 'client', 'total', [counted, failures, times[1], size, total]);
		this.hosts = word('hosts', 'Host', 'host', 'count', [counted, failures,
			{ key: 'servers', label: 'Servers', title: 'Different ones', cell: (row) => count(row.servers) }, until]);
		this.statuses = word('statuses', 'Status', 'status', 'count', [counted, times[1]]);
		this.errors = new Table({
			name: 'errors', label: 'Errors', rows: 8, sort: { key: 'count', down: true }, choose: (row) => set({ error: row.key }),
			columns: [
				{ key: 'type', label: 'Type', text: true, cell: (row) => badge(row.type, row.typeNumber) },
				{ key: 'name', label: 'Error', text: true, grow: true, opens: true, cell: (row) => row.name, hint: (row) => row.name },
				counted,
				{ key: 'p95', label: 'p95', title: '95 % failed sooner', wide: true, cell: (row) => duration(row.p95) },
				{ key: 'since', label: 'First', left: true, wide: true, cell: (row) => el('time', { class: 'mono' }, time(row.since, 0)) },
				until,
			],
		});
		this.presets = [['p95', 'Slowest'], ['count', 'Most frequent'], ['total', 'Most time in total'], ['failed', 'Most failing']];
		this.switch = el('div', { class: 'switch', role: 'group', 'aria-label': 'Order of requests' }, this.presets.map(([key, label]) =>
			button(label, () => { this.requests.sort = { key, down: true }; this.requests.fill(); this.press(); }, { 'data-name': key, 'data-key': `preset ${key}` })));
		this.requests.onsort = () => this.press();
		this.press();
	}

	press() {
		for (const one of this.switch.children)
			one.setAttribute('aria-pressed', one.dataset.name === this.requests.sort.key && this.requests.sort.down);
	}

	largest(row, key) {
		return row.of[key] || 1;
	}

	// Rows with their names, and what the largest of them is.
	named(rows, nameOf, typeOf) {
		const of = { count: 0, total: 0 };
		for (const row of rows) {
			of.count = Math.max(of.count, row.count);
			of.total = Math.max(of.total, row.total);
			row.of = of;
			row.name = nameOf(row.key);
			[row.since, row.until] = this.model.between(row.chosen);
			row.servers = this.model.different(row.chosen, 'server');
			if (typeOf) {
				row.typeNumber = typeOf(row.key);
				row.type = this.model.typeName(row.typeNumber);
			}
		}
		return rows;
	}

	draw(chosen) {
		const { model } = this, { words } = model;
		this.types.set(this.named(model.tableOfTypes(chosen), (type) => model.typeName(type)));
		this.requests.set(this.named(model.table(chosen, 'kind'), (k) => model.kindName(k), (k) => words.kinds[k][0]));
		for (const [column, table] of [['server', this.servers], ['client', this.clients], ['host', this.hosts], ['status', this.statuses]])
			table.set(this.named(model.table(chosen, column), (number) => model.wordOf(column, number)));
		const failed = chosen.filter((i) => model.rows.error[i] !== 0);
		this.errors.set(this.named(model.table(failed, 'error'), (e) => model.errorName(e), (e) => words.errors[e][0]));
	}
}
