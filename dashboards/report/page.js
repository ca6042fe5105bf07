// The page: what is chosen stands in the address, so that going back undoes a choice.
'use strict';

const NUMBERS = ['type', ...Object.keys(COLUMNS), 'from', 'to', 'least', 'most'];

class Page {
	constructor(content) {
		this.model = new Model(content);
		this.filter = { ...NO_FILTER };
		this.charts = new Charts(this.model, {
			setTime: (from, to) => this.set({ from, to }), setTook: (least, most) => this.set({ least, most }),
			back: () => this.set({ from: null, to: null, least: null, most: null }),
		});
		this.tables = new Tables(this.model, (change) => this.set(change));
		this.exchanges = new Exchanges(this.model, { open: (i) => this.go({ ...this.filter, exchange: i }), set: (change) => this.go({ ...this.filter, ...change }) });
		this.calls = new Calls(this.model, { open: (i) => this.go({ ...this.filter, call: i }) });
		this.build();
		addEventListener('hashchange', () => this.read());
		matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.render());
		this.read();
	}

	// ---- the address ----

	set(change) {
		this.go({ ...this.filter, ...change });
	}

	go(state) {
		const parts = new URLSearchParams();
		for (const [name, value] of Object.entries(state))
			if (value !== null && value !== '' && value !== undefined)
				parts.set(name, value);
		const hash = parts.toString();
		if (`#${hash}` === location.hash || (!hash && !location.hash))
			this.read();
		else
			location.hash = hash;
	}

	read() {
		const parts = new URLSearchParams(location.hash.slice(1)), { words, documents, calls } = this.model;
		const limits = { type: words.types.length };
		for (const [name, plural] of Object.entries(COLUMNS))
			limits[name] = words[plural].length;
		const filter = { ...NO_FILTER, text: parts.get('text') ?? '' };
		for (const name of NUMBERS) {
			const value = parts.has(name) ? Number(parts.get(name)) : NaN;
			if (Number.isFinite(value) && (!(name in limits) || (Number.isInteger(value) && value >= 0 && value < limits[name])))
				filter[name] = value;
		}
		if (['ok', 'failed'].includes(parts.get('outcome')))
			filter.outcome = parts.get('outcome');
		const place = (name, rows) => (parts.has(name) && rows.length > Number(parts.get(name)) && Number(parts.get(name)) >= 0 ? Number(parts.get(name)) : null);
		if (!this.drawn || JSON.stringify(filter) !== JSON.stringify(this.filter)) {
			this.filter = filter;
			this.render();
		}
		this.openDetail(place('exchange', documents), place('call', calls));
	}

	// ---- what stands where ----

	build() {
		const { head } = this.model, section = (id, title, ...rest) => el('section', { class: 'part', id, 'aria-labelledby': `${id}-title` }, el('div', { class: 'part-head' }, el('h2', { id: `${id}-title` }, title), ...rest));
		const box = (title, table) => el('section', { class: 'card' }, el('div', { class: 'card-head' }, el('h3', {}, title)), table.element);
		this.tiles = el('div', { class: 'tiles' });
		this.pills = el('div', { class: 'pills', role: 'group', 'aria-label': 'Types' });
		this.chips = el('div', { class: 'chips', id: 'filters', tabindex: -1, role: 'group', 'aria-label': 'Filters' });
		this.sought = el('input', { type: 'search', placeholder: 'Find in requests', 'aria-label': 'Find in requests', 'data-key': 'find', oninput: () => this.find() });
		this.listed = el('p', { class: 'note' });
		const parts = [
			el('div', { class: 'controls' }, this.pills, this.sought, this.chips),
			section('overview', 'Overview'), section('requests', 'Requests', this.tables.switch), section('exchanges', 'Slowest exchanges', this.listed),
		];
		parts[1].append(this.tiles, el('div', { class: 'charts' }, this.charts.boxes()), box('Types', this.tables.types));
		parts[2].append(el('div', { class: 'card' }, this.tables.requests.element),
			el('div', { class: 'halves' }, box('Servers', this.tables.servers), box('Clients', this.tables.clients)),
			el('div', { class: 'halves' }, box('Hosts', this.tables.hosts), box('Statuses', this.tables.statuses)), box('Errors', this.tables.errors));
		parts[3].append(el('div', { class: 'card' }, this.exchanges.list.element));
		if (this.calls.calls.length + this.calls.registrations.length) {
			const calls = section('calls', 'SIP calls', el('p', { class: 'note' }, 'A call opens with its ladder of messages.'));
			if (this.calls.calls.length)
				calls.append(el('div', { class: 'card' }, this.calls.list.element));
			if (this.calls.registrations.length)
				calls.append(box('Registrations', this.calls.registered));
			parts.push(calls);
		}
		const main = document.getElementById('main');
		main.replaceChildren(...(head.exchanges || head.calls ? parts : [el('p', { class: 'empty' }, 'There is no exchange in what was read.')]), this.remarks());
		document.getElementById('sections').replaceChildren(...parts.slice(1).map((part) => button(part.querySelector('h2').textContent, () => part.scrollIntoView({ behavior: 'smooth' }))));
		this.detail = document.getElementById('detail');
		this.detail.addEventListener('close', () => this.closed());
		this.detail.addEventListener('click', (event) => { if (event.target === this.detail) this.detail.close(); });
		document.getElementById('zone').addEventListener('click', () => { utc = !utc; this.zone(); this.render(); });
		this.zone();
		document.title = `${head.sources[0] ?? 'wirespan'} – wirespan report`;
	}

	zone() {
		const button = document.getElementById('zone'), { model } = this, { head } = model;
		button.textContent = zoneName();
		button.title = utc ? 'Times are UTC; click for this browser’s time zone' : 'Times are of this browser’s time zone; click for UTC';
		const more = head.sources.length - 1 + head.sources_more;
		const name = `${head.sources[0] ?? ''}${more > 0 ? ` and ${more} more` : ''}`;
		const when = model.rows.length ? span(model.first, model.last) : '';
		document.getElementById('about').replaceChildren(el('b', {}, name), when ? ` · ${when}` : '');
	}

	// What the page does not tell, or not exactly.
	remarks() {
		const { head, words } = this.model, lines = [];
		lines.push(head.counts ? `Charts and tables count all ${count(head.exchanges)} exchanges. There are too many to tell each: those much alike are told as one, so that times are exact to about ${digits(50 * (2 ** (1 / head.classes) - 1))} %, and charts no finer than ${widthText((this.model.last - this.model.first) / head.times * 2)}.`
			: `Charts and tables are of all ${count(head.exchanges)} exchanges, each with its own time.`);
		if (head.documents < head.exchanges)
			lines.push(`The list of exchanges has ${count(head.documents)} with all their fields: some of the slowest and of the failed ones of each request, then the slowest of all.`);
		if (head.calls < head.calls_seen)
			lines.push(`Of ${count(head.calls_seen)} SIP calls and registrations, ${count(head.calls)} are listed.`);
		['requests', ...Object.values(COLUMNS).slice(1)].forEach((name, i) => {
			if (head.folded[i])
				lines.push(`The rarest and quickest ${name} are added up as “other ${name}”.`);
		});
		if (head.others)
			lines.push(`${count(head.others)} documents of connections, media or the shipper itself are not shown.`);
		if (head.untimed + head.not_json)
			lines.push(`${count(head.untimed + head.not_json)} lines that are not documents were passed over.`);
		if (head.too_large)
			lines.push(`${count(head.too_large)} documents larger than 64 KiB are counted but not listed.`);
		const files = head.sources.length > 1 ? el('p', {}, `Files: ${head.sources.join(', ')}${head.sources_more ? ` and ${count(head.sources_more)} more` : ''}.`) : null;
		return el('footer', {}, el('p', {}, lines.join(' ')), files, el('p', {}, `Written by wirespan ${head.version}. This page holds all that it shows and asks no network for anything.`));
	}

	// ---- drawing ----

	render() {
		this.drawn = true;
		if (!this.model.head.exchanges && !this.model.head.calls)
			return;
		keepingFocus(() => {
			const chosen = this.model.choose(this.filter), { filter, model } = this;
			if (document.activeElement !== this.sought)
				this.sought.value = filter.text;
			this.drawTiles(model.sum(chosen), chosen);
			this.drawPills();
			this.drawChips();
			this.charts.draw(chosen, filter);
			this.tables.draw(chosen);
			const listed = this.exchanges.draw(filter), all = chosen.reduce((sum, i) => sum + model.rows.count[i], 0);
			this.listed.textContent = listed < all ? `${count(listed)} listed of ${count(all)} that match` : `${count(listed)} match`;
			this.calls.draw(filter);
		});
		document.getElementById('main').removeAttribute('aria-busy');
	}

	drawTiles(of, chosen) {
		const { model } = this, all = model.head.exchanges;
		const tile = (label, value, note, bad) => el('div', { class: bad ? 'tile bad' : 'tile' }, el('span', {}, label), el('b', {}, value), el('small', {}, note));
		const [first, last] = model.between(chosen), seconds = last - first;
		this.tiles.replaceChildren(
			tile('Exchanges', count(of.count), of.count === all ? 'all of them' : `${percent(of.count, all)} of ${count(all)}`),
			tile('Failed', percent(of.failed, of.count), `${count(of.failed)} exchanges`, of.failed > 0),
			tile('Median', duration(of.p50), 'half were faster'),
			tile('95th percentile', duration(of.p95), '5 % were slower'),
			tile('99th percentile', duration(of.p99), '1 % were slower'),
			tile('Slowest', duration(of.most), `mean ${duration(of.mean)}`),
			tile('Servers', count(model.different(chosen, 'server')), `asked by ${count(model.different(chosen, 'client'))} clients`),
			tile('Rate', seconds > 0 ? `${short(of.count / seconds)} /s` : '–', seconds > 0 ? `over ${duration(seconds * 1e9)}` : 'one moment'));
	}

	drawPills() {
		const { model, filter } = this, counts = model.words.types.map(() => 0);
		for (const i of model.choose({ ...filter, type: null }))
			counts[model.typeOfKind[model.rows.kind[i]]] += model.rows.count[i];
		this.pills.replaceChildren(...model.types.map((type) => ({ n: counts[type], type })).filter(({ n, type }) => n || type === filter.type).map(({ n, type }) => {
			const on = filter.type === type, name = model.typeName(type), dot = el('span', { class: 'dot' });
			dot.style.background = typeColor(name, type);
			return button([dot, name, el('small', {}, short(n))], () => this.set({ type: on ? null : type }), { class: 'pill', 'aria-pressed': on, 'data-key': `type ${type}` });
		}), ...[['ok', 'OK'], ['failed', 'failed']].map(([outcome, label]) =>
			button([label], () => this.set({ outcome: filter.outcome === outcome ? null : outcome }), { class: `pill ${outcome}`, 'aria-pressed': filter.outcome === outcome, 'data-key': `outcome ${outcome}` })));
	}

	drawChips() {
		const { filter, model } = this, chips = [];
		const chip = (label, value, change) => chips.push(button([el('span', {}, `${label}: `), el('b', {}, value), el('span', { class: 'x', 'aria-hidden': 'true' }, '×')],
			() => this.set(change), { class: 'chip', title: 'Remove this filter', 'data-key': `chip ${label}` }));
		if (filter.kind !== null)
			chip('request', model.kindName(filter.kind), { kind: null });
		for (const column of ['server', 'client', 'host', 'status'])
			if (filter[column] !== null)
				chip(column, model.wordOf(column, filter[column]), { [column]: null });
		if (filter.error !== null)
			chip('error', model.errorName(filter.error), { error: null });
		if (filter.from !== null || filter.to !== null)
			chip('time', span(filter.from ?? model.first, filter.to ?? model.last), { from: null, to: null });
		if (filter.least !== null || filter.most !== null)
			chip('took', `${duration(filter.least ?? 0)} to ${filter.most === null ? 'any' : duration(filter.most)}`, { least: null, most: null });
		if (filter.text)
			chip('text', filter.text, { text: '' });
		if (chips.length + (filter.type !== null) + (filter.outcome !== null) > 1)
			chips.push(button('Clear all', () => this.go({ ...NO_FILTER }), { class: 'clear', 'data-key': 'clear' }));
		this.chips.replaceChildren(...chips);
		this.chips.hidden = !chips.length;
	}

	find() {
		clearTimeout(this.finding);
		this.finding = setTimeout(() => this.set({ text: this.sought.value }), 200);
	}

	// ---- one of them ----

	openDetail(exchange, call) {
		if (exchange === null && call === null) {
			if (this.detail.open)
				this.detail.close();
			return;
		}
		const title = exchange !== null ? 'Exchange' : this.calls.title(call);
		this.detail.replaceChildren(
			el('div', { class: 'detail-head' }, el('h2', { id: 'detail-title' }, title), button('Close', () => this.detail.close(), { class: 'close', 'data-key': 'close' })),
			el('div', { class: 'detail-body' }, (exchange !== null ? this.exchanges.detail(exchange) : this.calls.detail(call)).flat()));
		if (!this.detail.open)
			this.detail.showModal();
		this.detail.querySelector('.detail-body').scrollTop = 0;
		this.detail.querySelector('.close').focus();
	}

	closed() {
		if (/\b(exchange|call)=/.test(location.hash))
			this.go(this.filter);
	}
}

async function start() {
	const wait = document.getElementById('wait');
	if (typeof DecompressionStream === 'undefined' || typeof HTMLDialogElement === 'undefined' || !Object.hasOwn) {
		wait.textContent = 'This browser is too old for this page: Chrome or Edge 103, Firefox 113, Safari 16.4 and later can show it.';
		return;
	}
	try {
		window.report = new Page(await readContent());
		document.documentElement.dataset.ready = 'yes';
	} catch (error) {
		wait.textContent = `This page is damaged and cannot be shown (${error.message}).`;
		throw error;
	}
}

start();
