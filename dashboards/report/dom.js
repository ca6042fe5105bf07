// Elements. Text becomes text nodes, never markup: all of it may be a stranger's.
'use strict';

function el(tag, attributes = {}, ...children) {
	const made = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) {
		if (value === undefined || value === null || value === false)
			continue;
		if (name.startsWith('on'))
			made.addEventListener(name.slice(2), value);
		else if (name === 'class')
			made.className = value;
		else
			made.setAttribute(name, value === true ? '' : value);
	}
	made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
	return made;
}

function svg(tag, attributes = {}, ...children) {
	const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
	for (const [name, value] of Object.entries(attributes))
		made.setAttribute(name, value);
	made.append(...children);
	return made;
}

function button(label, onclick, attributes = {}) {
	return el('button', { type: 'button', onclick, ...attributes }, label);
}

function color(name) {
	return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// Types have fixed colours; what is not known takes those that are left.
const TYPE_COLORS = { http: 1, pgsql: 2, mysql: 3, redis: 4, thrift: 5, sip: 6 };

function typeColor(name, number) {
	return color(`--type-${TYPE_COLORS[name] && Object.hasOwn(TYPE_COLORS, name) ? TYPE_COLORS[name] : 7 + number % 3}`);
}

function badge(name, number) {
	const dot = el('span', { class: 'dot' });
	dot.style.background = typeColor(name, number);
	return el('span', { class: 'badge' }, dot, name);
}

// What is drawn anew takes the focus along, by its key.
function keepingFocus(draw) {
	const key = document.activeElement && document.activeElement.dataset.key;
	draw();
	if (key && (!document.activeElement || document.activeElement === document.body)) {
		const again = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
		(again || document.getElementById('filters')).focus({ preventScroll: true });
	}
}
