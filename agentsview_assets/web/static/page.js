// Draws the charts of a page: each specification stands in a script element that is data, beside
// its place. Nothing else is done here, and nothing is asked of any server.
'use strict';

(() => {
  const tip = document.createElement('div');
  tip.className = 'tip';
  tip.hidden = true;

  // Texts of a mark that is pointed at, as text: they come from archives.
  const point = (_handler, event, _item, value) => {
    tip.hidden = !value || typeof value !== 'object';
    if (tip.hidden) return;
    tip.replaceChildren(...Object.values(value).map((text) => {
      const line = document.createElement('span');
      line.textContent = String(text);
      return line;
    }));
    const room = document.documentElement.clientWidth - tip.offsetWidth - 12;
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, room))}px`;
    tip.style.top = `${event.clientY + 16}px`;
  };

  const draw = (place) => {
    const text = document.getElementById(`chart-${place.dataset.chart}`).textContent;
    const compiled = vegaLite.compile(JSON.parse(text), { logger: vega.logger(vega.Error) }).spec;
    const runtime = vega.parse(compiled, null, { ast: true });
    // What is drawn is described by its place, and said in full by the table.
    const canvas = document.createElement('div');
    canvas.setAttribute('aria-hidden', 'true');
    place.append(canvas);
    const view = new vega.View(runtime, {
      expr: vega.expressionInterpreter,
      renderer: 'svg',
      container: canvas,
      hover: false,
      logLevel: vega.Error,
    });
    view.tooltip(point);
    return view.runAsync();
  };

  document.body.append(tip);
  const places = [...document.querySelectorAll('[data-chart]')];
  Promise.all(places.map(draw)).then(() => document.documentElement.classList.add('drawn'));
})();
