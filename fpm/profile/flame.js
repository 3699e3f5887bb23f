(function () {
	'use strict';
	var svg = document.documentElement, frames = Array.prototype.slice.call(document.querySelectorAll('#frames g'));
	var margin = 10, whole = 1180, letter = 7.2;
	var told = document.getElementById('told'), found = document.getElementById('found');
	var total = number(frames[0], 'n'), shown = {x: 0, n: total, r: 0}, wanted = '';

	function number(g, name) { return Number(g.getAttribute('data-' + name)); }
	function title(g) { return g.querySelector('title').textContent; }
	function name(g) { return title(g).split('\n')[0]; }

	function fitting(text, width) {
		var letters = Math.floor((width - 6) / letter);
		return letters < 3 ? '' : text.length <= letters ? text : text.slice(0, letters - 1) + '\u2026';
	}

	/* Makes the frame that is shown as wide as the graph, with those that it has called; those that have called it stay below. */
	function draw() {
		frames.forEach(function (g) {
			var x = number(g, 'x'), n = number(g, 'n'), r = number(g, 'r');
			var below = r < shown.r && x <= shown.x && x + n >= shown.x + shown.n;
			var inside = r >= shown.r && x >= shown.x && x + n <= shown.x + shown.n;
			g.classList.toggle('hidden', !below && !inside);
			g.classList.toggle('past', below);
			if (!below && !inside) return;
			var left = below ? margin : margin + (x - shown.x) / shown.n * whole;
			var width = below ? whole : n / shown.n * whole;
			var rect = g.querySelector('rect'), text = g.querySelector('text');
			rect.setAttribute('x', left);
			rect.setAttribute('width', Math.max(width - 0.5, 0.2));
			text.setAttribute('x', left + 3);
			text.textContent = fitting(name(g), width);
		});
	}

	function show(g) {
		shown = {x: number(g, 'x'), n: number(g, 'n'), r: number(g, 'r')};
		draw();
		mark();
	}

	/* Marks what was searched for, and tells in how many samples of those shown it is. */
	function mark() {
		var of = wanted.toLowerCase(), spans = [];
		frames.forEach(function (g) {
			var is = of !== '' && name(g).toLowerCase().indexOf(of) >= 0;
			g.classList.toggle('found', is);
			if (is && !g.classList.contains('hidden') && number(g, 'r') >= shown.r) spans.push([number(g, 'x'), number(g, 'x') + number(g, 'n')]);
		});
		spans.sort(function (a, b) { return a[0] - b[0] || b[1] - a[1]; });
		var sum = 0, end = 0;
		spans.forEach(function (s) {
			if (s[1] > end) {
				sum += s[1] - Math.max(s[0], end);
				end = s[1];
			}
		});
		found.textContent = of === '' ? '' : '\u201c' + wanted + '\u201d: ' + (100 * sum / shown.n).toFixed(2) + ' %';
	}

	function search() {
		var answer = window.prompt('Functions whose name has this in it:', wanted);
		if (answer !== null) {
			wanted = answer;
			mark();
		}
	}

	function all() {
		wanted = '';
		show(frames[0]);
	}

	frames.forEach(function (g) {
		g.addEventListener('click', function () { show(g); });
		g.addEventListener('mouseenter', function () { told.textContent = title(g).split('\n').join('   '); });
		g.addEventListener('focus', function () { told.textContent = title(g).split('\n').join('   '); });
		g.addEventListener('mouseleave', function () { told.textContent = '\u00a0'; });
	});
	document.getElementById('reset').addEventListener('click', all);
	document.getElementById('search').addEventListener('click', search);
	svg.addEventListener('keydown', function (e) {
		var g = e.target.closest ? e.target.closest('g[tabindex]') : null;
		if (e.key === 'Escape') {
			all();
		} else if (e.key === '/' || (e.ctrlKey || e.metaKey) && e.key === 'f') {
			e.preventDefault();
			search();
		} else if ((e.key === 'Enter' || e.key === ' ') && g) {
			e.preventDefault();
			g.dispatchEvent(new MouseEvent('click', {bubbles: true}));
		}
	});
}());
