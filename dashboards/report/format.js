// Numbers as people read them.
'use strict';

const whole = new Intl.NumberFormat('en');

function count(n) {
	return whole.format(Math.round(n));
}

// Three digits that count.
function digits(n) {
	const text = n >= 100 ? n.toFixed(0) : n >= 10 ? n.toFixed(1) : n.toFixed(2);
	return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

function duration(ns) {
	if (!Number.isFinite(ns))
		return '–';
	if (ns < 1e3)
		return `${Math.round(ns)} ns`;
	if (ns < 999.5e3)
		return `${digits(ns / 1e3)} µs`;
	if (ns < 999.5e6)
		return `${digits(ns / 1e6)} ms`;
	if (ns < 60e9)
		return `${digits(ns / 1e9)} s`;
	const seconds = Math.round(ns / 1e9);
	if (seconds < 3600)
		return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
	if (seconds < 86400)
		return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min`;
	return `${Math.floor(seconds / 86400)} d ${Math.floor(seconds % 86400 / 3600)} h`;
}

function bytes(n) {
	const units = ['B', 'kB', 'MB', 'GB', 'TB'];
	let unit = 0;
	while (n >= 999.5 && unit < units.length - 1) {
		n /= 1000;
		unit++;
	}
	return `${unit ? digits(n) : n} ${units[unit]}`;
}

function percent(part, all) {
	const share = all > 0 ? 100 * part / all : 0;
	if (share > 0 && share < 0.1)
		return '< 0.1 %';
	return `${share >= 10 || Number.isInteger(share) ? share.toFixed(0) : share.toFixed(1)} %`;
}

function short(n) {
	if (n < 1000)
		return Number.isInteger(n) ? String(n) : digits(n);
	return n < 1e6 ? `${digits(n / 1e3)} k` : `${digits(n / 1e6)} M`;
}

// Times of day in the browser's zone, or UTC.
let utc = true;

function dateOf(seconds) {
	const offset = utc ? 0 : new Date(seconds * 1e3).getTimezoneOffset() * 60;
	return new Date((seconds - offset) * 1e3);
}

function time(seconds, decimals = 3) {
	// Dates hold milliseconds; what is below comes from the number itself.
	const micros = Math.round(seconds * 1e6), text = dateOf(Math.floor(micros / 1e3) / 1e3).toISOString().slice(11, 23);
	return (text + String(micros % 1e3).padStart(3, '0')).slice(0, decimals ? 9 + decimals : 8);
}

function day(seconds) {
	return dateOf(seconds).toISOString().slice(0, 10);
}

function span(from, to) {
	const decimals = to - from < 10 ? 3 : 0;
	const end = day(from) === day(to) ? '' : `${day(to)} `;
	return `${day(from)} ${time(from, decimals)} – ${end}${time(to, decimals)}`;
}

function zoneName() {
	const minutes = -new Date().getTimezoneOffset();
	const sign = minutes < 0 ? '−' : '+';
	const hours = Math.floor(Math.abs(minutes) / 60);
	return utc ? 'UTC' : `UTC${sign}${hours}${minutes % 60 ? `:${String(Math.abs(minutes) % 60).padStart(2, '0')}` : ''}`;
}

const IN_NANOSECONDS = /^(event\.duration|timing\..+|tcp\.rtt|sip\.call\.(setup_time|duration|.*_delay|.*_time)|sip\.registration\.delay)$/;
const IN_BYTES = /(^|[._])bytes$/;

function fieldValue(path, value) {
	if (Array.isArray(value))
		return value.map((v) => String(v)).join(', ');
	if (typeof value === 'number' && IN_NANOSECONDS.test(path))
		return duration(value);
	if (typeof value === 'number' && IN_BYTES.test(path))
		return value < 1000 ? `${value} B` : `${bytes(value)} (${count(value)})`;
	return String(value);
}
