// One exchange: what was asked, where its time went, who asked, what ran meanwhile, all its fields.
'use strict';

const PARTS = [
	['connect', 'Connecting', 'timing.connect'], ['request', 'Request on its way', 'timing.request'],
	['wait', 'Server at work', 'timing.wait'], ['response', 'Response on its way', 'timing.response'],
];
const MEANWHILE = 8;

function statement(text, label) {
	return el('pre', { class: 'statement', tabindex: 0, 'aria-label': label }, text);
}

function facts(pairs) {
	return el('dl', { class: 'facts' }, pairs.filter(([, value]) => value !== undefined && value !== '').map(([name, value]) =>
		el('div', {}, el('dt', {}, name), el('dd', {}, value))));
}

function address(doc, side) {
	const ip = dig(doc, `${side}.ip`), port = dig(doc, `${side}.port`), domain = dig(doc, `${side}.domain`);
	if (ip === undefined)
		return undefined;
	const place = port === undefined ? String(ip) : `${String(ip).includes(':') ? `[${ip}]` : ip}:${port}`;
	return domain !== undefined && domain !== ip ? `${domain} (${place})` : place;
}

// Where the time went, as one bar.
function breakdown(doc) {
	const parts = PARTS.map(([key, label, path]) => ({ key, label, ns: dig(doc, path) })).filter((part) => typeof part.ns === 'number' && part.ns > 0);
	const all = parts.reduce((sum, part) => sum + part.ns, 0);
	if (!all)
		return null;
	return el('div', { class: 'breakdown' },
		el('div', { class: 'breakdown-bar', 'aria-hidden': 'true' }, parts.map((part) => {
			const piece = el('span', { class: `part ${part.key}` });
			piece.style.flexGrow = String(Math.max(part.ns / all, 0.004));
			return piece;
		})),
		el('ul', {}, parts.map((part) => el('li', {}, el('span', { class: `dot part ${part.key}` }), part.label, el('b', {}, duration(part.ns)), el('small', {}, percent(part.ns, all))))));
}

function fieldTable(doc) {
	return el('table', { class: 'fields' }, el('caption', { class: 'hidden' }, 'All fields'),
		el('tbody', {}, [...fieldsOf(doc)].filter(([path]) => path !== 'sip.call.flow').map(([path, value]) =>
			el('tr', {}, el('th', { scope: 'row' }, path), el('td', {}, fieldValue(path, value))))));
}

function raw(line) {
	return el('details', { class: 'raw' }, el('summary', {}, 'As it was written (JSON)'), el('pre', { tabindex: 0 }, JSON.stringify(parseDocument(line), null, 2)));
}

class Exchanges {
	constructor(model, { open, set }) {
		Object.assign(this, { model, open, setFilter: set });
		const { documents } = model;
		this.list = new Table({
			name: 'exchanges', label: 'Exchanges', rows: 25, sort: { key: 'took', down: true }, choose: (row) => open(row.key),
			columns: [
				{ key: 'at', label: 'Time', left: true, cell: (row) => el('time', { class: 'mono' }, `${time(row.at)}`), title: 'Of the request\'s first packet' },
				{ key: 'type', label: 'Type', text: true, wide: true, cell: (row) => badge(row.type, row.typeNumber) },
				{ key: 'name', label: 'Request', text: true, grow: true, opens: true, cell: (row) => this.asked(row.key), hint: (row) => this.asked(row.key) },
				{ key: 'error', label: 'Outcome', text: true, cell: (row) => (row.error ? el('span', { class: 'failed', title: row.error }, row.error) : el('span', { class: 'well' }, 'OK')) },
				{ key: 'client', label: 'Client', text: true, wide: true, cell: (row) => row.client },
				{ key: 'server', label: 'Server', text: true, wide: true, cell: (row) => row.server },
				{ key: 'took', label: 'Took', cell: (row) => el('b', {}, duration(row.took)) },
			],
		});
		this.rows = Array.from({ length: documents.length }, (_, i) => ({
			key: i, at: documents.at[i], took: documents.took[i], typeNumber: model.typeOfKind[documents.kind[i]],
			type: model.typeName(model.typeOfKind[documents.kind[i]]), name: model.kindName(documents.kind[i]),
			error: documents.error[i] ? model.errorName(documents.error[i]) : '',
			client: model.wordOf('client', documents.client[i]), server: model.wordOf('server', documents.server[i]),
		}));
	}

	draw(filter) {
		const chosen = this.model.chooseDocuments(filter);
		this.list.set(chosen.map((i) => this.rows[i]));
		return chosen.length;
	}

	document(i) {
		return documentOf(this.model.documents, i);
	}

	// What was asked, in one line.
	asked(i) {
		const query = dig(this.document(i), 'query');
		return String(query ?? this.rows[i].name).replace(/\s+/g, ' ').slice(0, 400);
	}

	// Exchanges that lie within this one's time, those that this one's server asked for first.
	within(i) {
		return this.related(i, (outer, inner) => this.holds(outer, inner), i, 'server', 'client');
	}

	// The other way round: those that were under way all the time.
	around(i) {
		return this.related(i, (inner, outer) => this.holds(outer, inner), i, 'client', 'server');
	}

	holds(outer, inner) {
		const { at, took } = this.model.documents, slack = 2e-6;
		return at[inner] >= at[outer] - slack && at[inner] + took[inner] / 1e9 <= at[outer] + took[outer] / 1e9 + slack;
	}

	related(i, fits, self, mine, theirs) {
		const { documents } = this.model, own = this.document(i), host = dig(own, `${mine}.ip`);
		const connection = (doc) => dig(doc, 'network.community_id') ?? `${address(doc, 'client')} ${address(doc, 'server')}`;
		const found = [];
		for (let j = 0; j < documents.length; j++)
			if (j !== self && fits(i, j) && dig(this.document(j), `${theirs}.ip`) === host && connection(this.document(j)) !== connection(own))
				found.push(j);
		return found.sort((a, b) => documents.took[b] - documents.took[a]);
	}

	relatedList(title, hint, found, i) {
		if (!found.length)
			return null;
		const own = this.model.documents.took[i];
		return el('section', { class: 'meanwhile' }, el('h3', {}, title), el('p', { class: 'note' }, hint),
			el('ul', {}, found.slice(0, MEANWHILE).map((j) => {
				const row = this.rows[j];
				return el('li', {}, button([badge(row.type, row.typeNumber), el('span', { class: 'asked' }, this.asked(j)),
					el('b', {}, duration(row.took)), el('small', {}, row.took <= own ? `${percent(row.took, own)} of it` : '')],
				() => this.open(j), { class: 'related', 'data-key': `related ${j}` }));
			})),
			found.length > MEANWHILE ? el('p', { class: 'note' }, `and ${count(found.length - MEANWHILE)} shorter ones`) : null);
	}

	detail(i) {
		const doc = this.document(i), row = this.rows[i], { documents } = this.model;
		const only = (label, change) => button(label, () => this.setFilter(change), { class: 'chip' });
		const query = dig(doc, 'query');
		return [
			el('div', { class: 'detail-line' }, badge(row.type, row.typeNumber),
				row.error ? el('span', { class: 'failed' }, row.error) : el('span', { class: 'well' }, 'OK'),
				el('span', { class: 'took' }, duration(row.took))),
			statement(query === undefined ? row.name : String(query), 'What was asked'),
			breakdown(doc),
			facts([
				['When', `${day(row.at)} ${time(row.at, 6)}${utc ? ' UTC' : ''}`],
				['Asked by', address(doc, 'client')], ['Answered by', address(doc, 'server')],
				['User', dig(doc, 'user.name')], ['Database', dig(doc, 'db.name')], ['Program', dig(doc, 'application') ?? dig(doc, 'user_agent.original')],
				['Process', dig(doc, 'process.name')], ['Remarks', dig(doc, 'notes') === undefined ? undefined : fieldValue('notes', dig(doc, 'notes'))],
			].map(([name, value]) => [name, value === undefined ? undefined : String(value)])),
			this.relatedList('Asked for meanwhile', 'What this exchange’s server asked of others while it was at work, longest first.', this.within(i), i),
			this.relatedList('Asked for by', 'Exchanges of this exchange’s client that were under way all the time.', this.around(i), i),
			el('div', { class: 'only' }, el('span', {}, 'Show only:'),
				only('this request', { kind: documents.kind[i] }), only('this server', { server: documents.server[i] }),
				only('this client', { client: documents.client[i] }), documents.error[i] ? only('this error', { error: documents.error[i] }) : null),
			el('h3', {}, 'All fields'), fieldTable(doc), raw(documents.lines[i]),
		];
	}
}
