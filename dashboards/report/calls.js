// SIP: calls with their ladders, and registrations.
'use strict';

const LETTER = 6.8, COLUMN_MIN = 150, COLUMN_MAX = 330, LINE = 34, LEFT = 84, TOP = 40;

// "0.250300 192.0.2.2:5060 > 192.0.2.1:5060 180 INVITE"
function messageOf(line) {
	const found = /^(\S+) (\S+) > (\S+) (.+)$/.exec(line);
	return found && { time: found[1], from: found[2], to: found[3], what: found[4] };
}

function ladder(flow) {
	const messages = flow.map(String).map(messageOf).filter(Boolean);
	const hosts = [...new Set(messages.flatMap((message) => [message.from, message.to]))];
	if (!messages.length)
		return null;
	const longest = Math.max(...hosts.map((host) => host.length), ...messages.map((message) => message.what.length));
	const column = Math.min(COLUMN_MAX, Math.max(COLUMN_MIN, longest * LETTER + 24));
	const x = (host) => LEFT + column / 2 + hosts.indexOf(host) * column;
	const width = LEFT + hosts.length * column, height = TOP + messages.length * LINE + 14;
	const drawing = svg('svg', { class: 'ladder', width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `${messages.length} messages between ${hosts.join(', ')}` });
	for (const host of hosts) {
		drawing.append(svg('text', { class: 'host', x: x(host), y: 18, 'text-anchor': 'middle' }, host));
		drawing.append(svg('line', { class: 'pole', x1: x(host), x2: x(host), y1: 28, y2: height }));
	}
	messages.forEach((message, i) => drawing.append(rung(message, x, TOP + i * LINE + 20)));
	return el('div', { class: 'ladder-frame', tabindex: 0, role: 'group', 'aria-label': 'Messages of the call' }, drawing,
		flow.length > messages.length ? el('p', { class: 'note' }, `${flow.length - messages.length} lines could not be drawn`) : null);
}

function rung(message, x, y) {
	const from = x(message.from), to = x(message.to), loop = from === to;
	const code = Number.parseInt(message.what, 10);
	const kind = code >= 400 ? 'bad' : code >= 200 ? 'good' : code >= 100 ? 'early' : 'ask';
	const group = svg('g', { class: `rung ${kind}` });
	const end = loop ? from + 26 : to, side = Math.sign(to - from) || 1;
	group.append(svg('text', { class: 'when', x: LEFT - 14, y: y + 4, 'text-anchor': 'end' }, message.time));
	group.append(loop ? svg('path', { d: `M${from} ${y - 5}h26v10h-20`, fill: 'none' }) : svg('line', { x1: from, x2: end - side * 7, y1: y, y2: y }));
	if (!loop)
		group.append(svg('path', { class: 'head', d: `M${end} ${y}l${-side * 9} -4.5v9z` }));
	group.append(svg('text', { class: 'what', x: loop ? from + 32 : (from + to) / 2, y: y - 7, 'text-anchor': loop ? 'start' : 'middle' }, message.what));
	return group;
}

class Calls {
	constructor(model, { open }) {
		Object.assign(this, { model, open });
		this.calls = this.rowsOf('sip_call', (doc) => ({
			caller: party(doc, 'caller'), callee: party(doc, 'callee'), setup: nanoseconds(dig(doc, 'sip.call.setup_time')),
			length: nanoseconds(dig(doc, 'sip.call.duration')), state: String(dig(doc, 'sip.call.state') ?? ''), id: String(dig(doc, 'sip.call_id') ?? ''),
		}));
		this.registrations = this.rowsOf('sip_registration', (doc) => ({
			aor: String(dig(doc, 'sip.registration.aor') ?? ''), contact: String(dig(doc, 'sip.registration.contact') ?? ''),
			state: String(dig(doc, 'sip.registration.state') ?? ''), delay: nanoseconds(dig(doc, 'sip.registration.delay')),
			id: String(dig(doc, 'sip.call_id') ?? ''),
		}));
		const start = { key: 'at', label: 'Start', left: true, cell: (row) => el('time', { class: 'mono' }, time(row.at)) };
		const code = { key: 'code', label: 'Code', cell: (row) => (Number.isNaN(row.code) ? '–' : el('span', { class: row.code >= 400 ? 'failed' : '' }, String(row.code))) };
		const words = (key, label, more) => ({ key, label, text: true, cell: (row) => row[key] || '–', ...more });
		this.list = new Table({
			name: 'calls', label: 'Calls', rows: 15, sort: { key: 'at', down: false }, choose: (row) => open(row.key),
			columns: [start, words('caller', 'Caller', { opens: true }), words('callee', 'Callee'),
				{ key: 'setup', label: 'Setup', cell: (row) => duration(row.setup), wide: true }, { key: 'length', label: 'Length', cell: (row) => duration(row.length) },
				code, words('state', 'State', { wide: true })],
		});
		this.registered = new Table({
			name: 'registrations', label: 'Registrations', rows: 8, sort: { key: 'at', down: false }, choose: (row) => open(row.key),
			columns: [start, words('aor', 'Address of record', { opens: true, grow: true }), words('contact', 'Contact', { wide: true }),
				words('state', 'State'), { key: 'delay', label: 'Delay', wide: true, cell: (row) => duration(row.delay) }, code],
		});
	}

	// A later document of the same call or registration takes the place of an earlier one.
	rowsOf(type, more) {
		const { calls } = this.model, rows = new Map();
		for (let key = 0; key < calls.length; key++) {
			const doc = documentOf(calls, key);
			if (dig(doc, 'type') !== type)
				continue;
			const code = dig(doc, 'sip.code');
			const row = { key, at: calls.at[key], code: typeof code === 'number' ? code : NaN,
				well: dig(doc, 'status') === 'OK', ...more(doc) };
			rows.set(`${row.id} ${dig(doc, '@timestamp')}`, row);
		}
		return [...rows.values()];
	}

	draw(filter) {
		const { calls } = this.model;
		const fits = (row) => (filter.from === null || row.at >= filter.from) && (filter.to === null || row.at < filter.to) &&
			['server', 'client', 'host', 'status'].every((column) => filter[column] === null || calls[column][row.key] === filter[column]) &&
			(filter.outcome === null || row.well === (filter.outcome === 'ok'));
		this.list.set(this.calls.filter(fits));
		this.registered.set(this.registrations.filter(fits));
	}

	title(key) {
		const doc = documentOf(this.model.calls, key);
		return dig(doc, 'type') === 'sip_call' ? `Call of ${party(doc, 'caller') || '?'} to ${party(doc, 'callee') || '?'}` : 'Registration';
	}

	detail(key) {
		const { calls } = this.model, doc = documentOf(calls, key), flow = dig(doc, 'sip.call.flow');
		const text = (path) => (dig(doc, path) === undefined ? undefined : fieldValue(path, dig(doc, path)));
		return [
			el('div', { class: 'detail-line' }, badge('sip', 0), el('span', { class: dig(doc, 'status') === 'OK' ? 'well' : 'failed' },
				[text('sip.code'), text('sip.status')].filter(Boolean).join(' ') || '–'), el('span', { class: 'took' }, duration(calls.took[key]))),
			facts([
				['Start', `${day(calls.at[key])} ${time(calls.at[key], 6)}${utc ? ' UTC' : ''}`],
				['State', text('sip.call.state') ?? text('sip.registration.state')], ['Setup time', text('sip.call.setup_time')], ['Length', text('sip.call.duration')],
				['Hung up by', text('sip.call.hung_up_by')], ['Codecs', text('sip.call.codecs')], ['Call-ID', text('sip.call_id')], ['Remarks', text('notes')],
			]),
			Array.isArray(flow) ? [el('h3', {}, 'Messages'), ladder(flow)] : null,
			el('h3', {}, 'All fields'), fieldTable(doc), raw(calls.lines[key]),
		];
	}
}

function nanoseconds(value) {
	return typeof value === 'number' ? value : NaN;
}

function party(doc, which) {
	const name = dig(doc, `sip.call.${which}`), domain = dig(doc, `sip.call.${which}_domain`);
	return [name, domain].filter((part) => part !== undefined).join('@');
}
