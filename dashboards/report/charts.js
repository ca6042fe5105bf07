// The four charts. Each chooses: a drag or a click narrows what the page shows.
'use strict';

const HEIGHT = 210;
const BLANK = '\u2002';

// A chart in its figure: draws, shows what the cursor is at, and can be walked with the keys.
class Chart {
	// `choose(from, to)` gets two positions on the x axis; `reset` undoes it.
	constructor({ title, choose, reset, tools = null }) {
		Object.assign(this, { choose, reset });
		this.title = el('h3', {}, title);
		this.note = el('span', { class: 'note' });
		this.tip = el('div', { class: 'tip', 'aria-live': 'polite', hidden: true });
		this.area = el('div', { class: 'plot', tabindex: 0, role: 'group', 'data-key': `chart ${title}`,
			'aria-label': `${title}. Arrow keys read it, with Shift they mark a part, Enter narrows to it, Escape goes back.`,
			onkeydown: (event) => this.key(event), onblur: () => this.hide() });
		this.box = el('section', { class: 'chart card' },
			el('div', { class: 'card-head' }, this.title, this.note, tools), el('div', { class: 'plot-frame' }, this.area, this.tip));
		new ResizeObserver(() => this.resize()).observe(this.area);
	}

	// `x`: where each bar or point is; `width`: of a bar, or null; `tips(i)`: [head, [colour, label, value]…].
	draw({ x, width, series, data, scales, axes, tips, label }) {
		Object.assign(this, { x, width, tips, at: null, mark: null });
		if (label)
			this.title.textContent = label;
		this.plot?.destroy();
		this.hide();
		this.plot = new uPlot({
			width: Math.max(this.area.clientWidth, 120), height: HEIGHT,
			padding: [8, 14, 0, 0], legend: { show: false },
			tzDate: (seconds) => (utc ? uPlot.tzDate(new Date(seconds * 1e3), 'Etc/UTC') : new Date(seconds * 1e3)),
			scales, axes: axes.map((axis) => ({ ...this.axis(), ...axis })), series: [{}, ...series],
			cursor: { y: false, drag: { x: true, y: false, setScale: false, dist: 4 }, points: { show: !width }, dataIdx: (u, s, i) => i },
			select: { show: true },
			hooks: {
				setSelect: [(u) => this.selected(u)],
				setCursor: [(u) => this.point(u)],
			},
		}, [x, ...data], this.area);
		this.plot.over.addEventListener('click', (event) => this.click(event));
		this.plot.over.addEventListener('dblclick', () => this.reset());
		this.plot.over.addEventListener('mousedown', (event) => { this.down = event.clientX; });
	}

	axis() {
		return { stroke: color('--muted'), grid: { stroke: color('--grid'), width: 1 }, ticks: { stroke: color('--grid'), width: 1, size: 4 },
			font: '11px system-ui, sans-serif', gap: 4 };
	}

	resize() {
		if (this.plot && this.area.clientWidth && this.area.clientWidth !== this.plot.width)
			this.plot.setSize({ width: this.area.clientWidth, height: HEIGHT });
	}

	selected(u) {
		const { left, width } = u.select;
		if (width < 4)
			return;
		this.narrow(this.index(u.posToVal(left, 'x')), this.index(u.posToVal(left + width, 'x')));
	}

	// The bar or point at, or before, a place on the x axis.
	index(value) {
		let i = 0;
		if (!this.width)
			return this.plot.valToIdx(value);
		while (i + 1 < this.x.length && this.x[i + 1] <= value)
			i++;
		return i;
	}

	step() {
		return this.width ?? (this.x[1] - this.x[0] || 1);
	}

	narrow(from, to) {
		const first = Math.min(from, to), last = Math.max(from, to);
		this.choose(this.x[first], this.x[last] + this.step());
	}

	click(event) {
		if (Math.abs(event.clientX - this.down) > 4)
			return;
		const left = event.clientX - this.plot.over.getBoundingClientRect().left;
		const i = this.index(this.plot.posToVal(left, 'x'));
		this.narrow(i, i);
	}

	point(u) {
		if (u.cursor.left < 0 || u.cursor.left === null) {
			if (document.activeElement !== this.area)
				this.hide();
			return;
		}
		this.show(this.index(u.posToVal(u.cursor.left, 'x')), u.cursor.left);
	}

	show(i, left) {
		const [head, rows] = this.tips(i);
		this.tip.replaceChildren(el('div', { class: 'tip-head' }, head), ...rows.map(([colour, label, value]) => {
			const dot = el('span', { class: 'dot' });
			dot.style.background = colour;
			return el('div', { class: 'tip-row' }, dot, el('span', {}, label), el('b', {}, value));
		}));
		this.tip.hidden = false;
		const x = left + this.plot.over.offsetLeft, room = this.area.clientWidth;
		const wide = this.tip.offsetWidth;
		this.tip.style.left = `${Math.max(0, x + 14 + wide > room ? x - wide - 14 : x + 14)}px`;
	}

	hide() {
		this.tip.hidden = true;
	}

	key(event) {
		const last = this.x.length - 1;
		const moves = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };
		if (event.key === 'Escape') {
			event.preventDefault();
			this.reset();
		} else if (event.key === 'Enter' && this.at !== null) {
			event.preventDefault();
			this.narrow(this.mark ?? this.at, this.at);
		} else if (event.key in moves) {
			event.preventDefault();
			const before = this.at ?? (moves[event.key] < 0 ? last + 1 : -1);
			this.mark = event.shiftKey ? this.mark ?? this.at ?? 0 : null;
			this.at = Math.min(last, Math.max(0, before + moves[event.key]));
			this.walk();
		}
	}

	walk() {
		const u = this.plot, half = this.width ? this.width / 2 : 0;
		const left = u.valToPos(this.x[this.at] + half, 'x');
		u.setCursor({ left, top: 0 });
		this.show(this.at, left);
		if (this.mark === null) {
			u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
			return;
		}
		const from = u.valToPos(this.x[Math.min(this.mark, this.at)], 'x');
		const to = u.valToPos(this.x[Math.max(this.mark, this.at)] + this.step(), 'x');
		u.setSelect({ left: from, width: to - from, top: 0, height: u.over.clientHeight }, false);
	}
}

const bars = (gap) => uPlot.paths.bars({ size: [1, Infinity], align: 1, gap });

// Bars on top of one another: the highest is drawn first, the others over it.
function stacked(values, colors, labels) {
	const length = values.length ? values[0].length : 0;
	const sums = new Float64Array(length);
	const layers = values.map((row) => {
		for (let i = 0; i < length; i++)
			sums[i] += row[i];
		return Array.from(sums);
	});
	const gap = length > 80 ? 0 : 1;
	return {
		data: layers.reverse(),
		series: colors.map((fill, i) => ({ label: labels[i], fill, width: 0, paths: bars(gap), points: { show: false } })).reverse(),
	};
}

function bucketLabel(buckets, i) {
	const from = buckets.starts[i], decimals = buckets.width < 0.001 ? 5 : buckets.width < 1 ? 3 : 0;
	const exact = decimals === 5 ? `${time(from, 3)} + ${Math.round((from * 1e6) % 1000)} µs` : time(from, decimals);
	return buckets.width >= 86400 ? day(from) : `${day(from)} ${exact}`;
}

function timeScale(buckets) {
	return { time: true, range: [buckets.begin, buckets.begin + buckets.length * buckets.width] };
}

// A minute's worth where bars are seconds or more wide, or a second's.
function rateOf(buckets) {
	const per = buckets.width >= 1 ? 60 : 1;
	return { per, name: per === 60 ? 'a minute' : 'a second', scale: per / buckets.width };
}

function widthText(seconds) {
	return duration(seconds * 1e9).replace(/ 0 (s|min|h)$/, '');
}

// Hours and minutes, and the date where it changes: the same everywhere.
function timeMarks(u, splits, axis, space, step) {
	return splits.map((split, i) => {
		const decimals = step < 0.001 ? 6 : step < 1 ? 3 : 0;
		const text = step >= 86400 ? '' : step < 60 ? time(split, decimals) : time(split, 0).slice(0, 5);
		return i === 0 || day(split) !== day(splits[i - 1]) ? `${text}${text ? '\n' : ''}${day(split)}` : text;
	});
}

const COUNT_AXIS = { size: 48, values: (u, splits) => splits.map((v) => (v === null ? '' : short(v))) };
const TIME_AXIS = { size: 38, space: 80, values: timeMarks };

function decades(low, high) {
	const from = Math.round(Math.log10(low)), to = Math.round(Math.log10(high)), step = Math.ceil((to - from) / 6) || 1;
	return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => 10 ** (from + i * step));
}

class Charts {
	constructor(model, { setTime, setTook, back }) {
		this.model = model;
		this.percentile = 'p95';
		const tools = el('div', { class: 'switch', role: 'group', 'aria-label': 'Percentile' },
			[['p50', 'p50'], ['p95', 'p95'], ['p99', 'p99'], ['most', 'max']].map(([name, label]) =>
				button(label, () => { this.percentile = name; this.refresh(); },
					{ 'data-name': name, 'data-key': `percentile ${name}`, 'aria-pressed': name === this.percentile })));
		this.tools = tools;
		const overTime = { choose: setTime, reset: back };
		this.rate = new Chart({ title: 'Transactions by type', ...overTime });
		this.times = new Chart({ title: 'Response time by type', tools, ...overTime });
		this.outcome = new Chart({ title: 'Errors and successes', ...overTime });
		this.histogram = new Chart({ title: 'How long exchanges took', choose: (a, b) => setTook(10 ** a, 10 ** b), reset: back });
		this.all = [this.rate, this.times, this.outcome, this.histogram];
	}

	boxes() {
		return this.all.map((chart) => chart.box);
	}

	draw(chosen, filter) {
		this.last = [chosen, filter];
		this.refresh();
	}

	refresh() {
		const [chosen, filter] = this.last;
		const buckets = bucketsOf(this.model, filter, this.rate.area.clientWidth < 480 ? 50 : 100);
		for (const one of this.tools.children)
			one.setAttribute('aria-pressed', one.dataset.name === this.percentile);
		this.types = this.model.types.map((type) => ({ type, name: this.model.typeName(type), color: typeColor(this.model.words.types[type], type) }));
		this.drawRate(chosen, buckets);
		this.drawTimes(chosen, buckets);
		this.drawOutcome(chosen, buckets);
		this.drawHistogram(chosen);
	}

	bucketOf(buckets) {
		const { at } = this.model.rows;
		return (i) => Math.min(buckets.length - 1, Math.max(0, Math.floor((at[i] - buckets.begin) / buckets.width)));
	}

	// A row of counts for each type that has any: [{type, name, color, values}].
	byType(chosen, length, placeOf) {
		const { count: counts, kind } = this.model.rows;
		const rows = this.model.words.types.map(() => null);
		for (const i of chosen) {
			const type = this.model.typeOfKind[kind[i]];
			rows[type] ??= new Float64Array(length);
			rows[type][placeOf(i)] += counts[i];
		}
		return this.types.map((type) => ({ ...type, values: rows[type.type] })).filter((type) => type.values);
	}

	drawRate(chosen, buckets) {
		const rate = rateOf(buckets), rows = this.byType(chosen, buckets.length, this.bucketOf(buckets));
		this.rate.note.textContent = `bars of ${widthText(buckets.width)}`;
		this.rate.draw({
			label: `Transactions ${rate.name} by type`, x: buckets.starts, width: buckets.width,
			...stacked(rows.map((row) => row.values.map((n) => n * rate.scale)), rows.map((row) => row.color), rows.map((row) => row.name)),
			scales: { x: timeScale(buckets), y: { range: (u, min, max) => [0, max * 1.05 || 1] } }, axes: [TIME_AXIS, COUNT_AXIS],
			tips: (i) => [bucketLabel(buckets, i), rows.filter((row) => row.values[i]).map((row) => [row.color, row.name,
				`${count(row.values[i])}${BLANK}(${short(row.values[i] * rate.scale)} ${rate.name})`])],
		});
	}

	drawTimes(chosen, buckets) {
		const { kind } = this.model.rows, place = this.bucketOf(buckets), types = this.types.length;
		const group = this.model.group(chosen, (i) => place(i) * types + this.model.typeOfKind[kind[i]], buckets.length * types);
		const lines = this.types.map((type) => ({
			...type, values: Array.from({ length: buckets.length }, (_, b) => {
				const value = this.model.sum(group(b * types + type.type))[this.percentile];
				return Number.isFinite(value) ? Math.max(value, 1) : null;
			}),
		})).filter((line) => line.values.some((value) => value !== null));
		this.times.note.textContent = this.percentile === 'most' ? 'slowest in each bucket' : `${this.percentile.slice(1)} % were faster`;
		const middle = buckets.starts.map((start) => start + buckets.width / 2);
		const all = lines.flatMap((line) => line.values.filter((v) => v !== null));
		const least = all.length ? Math.min(...all) : 1e5, most = all.length ? Math.max(...all) : 1e8;
		const low = 10 ** Math.floor(Math.log10(least) + 1e-9), high = Math.max(10 ** Math.ceil(Math.log10(most) - 1e-9), low * 10);
		this.times.draw({
			x: middle, width: null, data: lines.map((line) => line.values),
			series: lines.map((line) => ({ label: line.name, stroke: line.color, width: 1.75, points: { show: true, size: 5, fill: line.color } })),
			scales: { x: timeScale(buckets), y: { distr: 3, range: [low, high] } },
			axes: [TIME_AXIS, { size: 56, splits: () => decades(low, high), values: (u, splits) => splits.map(duration), filter: (u, splits) => splits }],
			tips: (i) => [bucketLabel(buckets, i), lines.filter((line) => line.values[i] !== null).map((line) => [line.color, line.name, duration(line.values[i])])],
		});
		this.times.x = buckets.starts;
		this.times.width = buckets.width;
	}

	drawOutcome(chosen, buckets) {
		const { count: counts, error } = this.model.rows, place = this.bucketOf(buckets), rate = rateOf(buckets);
		const failed = new Float64Array(buckets.length), well = new Float64Array(buckets.length);
		for (const i of chosen)
			(error[i] ? failed : well)[place(i)] += counts[i];
		const colors = [color('--bad'), color('--good')];
		this.outcome.note.textContent = `${rate.name}, bars of ${widthText(buckets.width)}`;
		this.outcome.draw({
			x: buckets.starts, width: buckets.width,
			...stacked([failed, well].map((row) => row.map((n) => n * rate.scale)), colors, ['failed', 'well']),
			scales: { x: timeScale(buckets), y: { range: (u, min, max) => [0, max * 1.05 || 1] } }, axes: [TIME_AXIS, COUNT_AXIS],
			tips: (i) => [bucketLabel(buckets, i), [[colors[1], 'went well', count(well[i])],
				[colors[0], 'failed', `${count(failed[i])}${BLANK}(${percent(failed[i], failed[i] + well[i])})`]]],
		});
	}

	drawHistogram(chosen) {
		const { took } = this.model.rows, timed = chosen.filter((i) => !Number.isNaN(took[i]));
		const low = timed.length ? Math.log10(Math.max(1, took[timed[0]])) : 0;
		const high = timed.length ? Math.log10(Math.max(1, took[timed[timed.length - 1]])) : 1;
		const classes = this.model.head.classes ? Math.log10(2) / this.model.head.classes : 0;
		const step = Math.max(high - low > 3 ? 0.1 : high - low > 1 ? 0.05 : 0.02, classes);
		const begin = Math.floor(low / step + 1e-9), length = Math.max(1, Math.floor(high / step + 1e-9) - begin + 1);
		const x = Array.from({ length }, (_, i) => (begin + i) * step);
		const place = (i) => Math.min(length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, took[i])) / step + 1e-9) - begin));
		const rows = this.byType(timed, length, place);
		this.histogram.note.textContent = timed.length < chosen.length ? 'exchanges with an answer, by their time' : 'exchanges by their time';
		this.histogram.draw({
			x, width: step, ...stacked(rows.map((row) => row.values), rows.map((row) => row.color), rows.map((row) => row.name)),
			scales: { x: { time: false, range: [x[0], x[length - 1] + step] }, y: { range: (u, min, max) => [0, max * 1.05 || 1] } },
			axes: [{ size: 34, space: 60, incrs: [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2], values: (u, splits) => splits.map((v) => duration(10 ** v).replace(/ \d+ s$/, '')) }, COUNT_AXIS],
			tips: (i) => [`${duration(10 ** x[i])} to ${duration(10 ** (x[i] + step))}`, rows.filter((row) => row.values[i]).map((row) => [row.color, row.name, count(row.values[i])])],
		});
	}
}
