"use strict";
(() => {
  const state = JSON.parse(document.getElementById("state").textContent);
  const every = 2000; // milliseconds between two questions of a live page
  const coarse = matchMedia("(pointer: coarse)").matches; // a finger scrolls the page and zooms no picture
  const config = { responsive: true, displaylogo: false, displayModeBar: false };
  const waiting = new Map(); // pictures to draw, by their places
  const drawn = new Map();

  // -- pictures

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function template() {
    const axis = { gridcolor: colour("--line"), zerolinecolor: colour("--line"), linecolor: colour("--line"),
      tickcolor: colour("--line"), automargin: true, title: { standoff: 6 } };
    const clear = "rgba(0,0,0,0)", font = { color: colour("--ink"), size: 12, family: "system-ui, sans-serif" };
    return { layout: { font, paper_bgcolor: clear, plot_bgcolor: clear, xaxis: axis, yaxis: axis,
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" }, margin: { l: 50, r: 12, t: 16, b: 40 },
      hoverlabel: { bgcolor: colour("--paper"), bordercolor: colour("--line"), align: "left", font } } };
  }

  function draw(place, plot) {
    const shown = plot.title.replace(/&/g, "&amp;").replace(/</g, "&lt;"); // tags in a name are not obeyed
    const title = plot.title ? { text: shown, x: 0, xref: "paper", font: { size: 13 } } : undefined;
    const layout = { height: 280, ...plot.layout, title, template: template(), autosize: true, uirevision: "kept",
      dragmode: coarse ? false : "zoom" };
    layout.annotations = (layout.annotations || []).map((note) => ({ ...note, bgcolor: colour("--paper") }));
    if (plot.title) layout.margin = { l: 50, r: 12, t: 30, b: 40 };
    if (plot.title) layout.legend = { orientation: "h", x: 0, y: -0.24, yanchor: "top", ...layout.legend };
    const fresh = !drawn.has(place);
    drawn.set(place, plot);
    Plotly.react(place, plot.data, layout, config);
    if (fresh) place.on("plotly_click", (event) => open(event.points[0].customdata, event.points[0].text));
  }

  function drawNext() { // one after another, so that the page can be scrolled meanwhile
    const [next] = waiting;
    if (!next) return;
    waiting.delete(next[0]);
    draw(...next);
    setTimeout(drawNext);
  }

  function show(name, group) {
    const figure = document.querySelector(`[data-plots="${name}"]`);
    const [places, caption] = figure.children;
    figure.hidden = group.plots.length === 0;
    caption.textContent = group.caption;
    while (places.children.length > group.plots.length) forget(places.lastElementChild);
    group.plots.forEach((plot, number) => {
      const place = places.children[number] || places.appendChild(document.createElement("div"));
      place.classList.toggle("across", plot.wide);
      place.style.minHeight = `${plot.layout.height || 280}px`;
      waiting.set(place, plot);
    });
    for (const section of document.querySelectorAll("section")) {
      const parts = [...section.querySelectorAll("figure[data-plots]")];
      const words = [...section.querySelectorAll("[data-part]")].some((part) => part.textContent.trim());
      section.hidden = parts.every((part) => part.hidden) && !words;
    }
  }

  function forget(place) {
    Plotly.purge(place);
    drawn.delete(place);
    waiting.delete(place);
    place.remove();
  }

  function apply(news) {
    for (const [name, text] of Object.entries(news.html || {})) {
      const part = document.querySelector(`[data-part="${name}"]`);
      const scrolled = [...part.querySelectorAll(".wide")].map((wide) => wide.scrollLeft);
      part.innerHTML = text;
      part.querySelectorAll(".wide").forEach((wide, number) => { wide.scrollLeft = scrolled[number] || 0; });
    }
    for (const [name, group] of Object.entries(news.plots)) show(name, group);
    drawNext();
  }

  // -- one network

  const dialog = document.getElementById("network");

  async function open(id, words) {
    if (id === undefined || id === null) return;
    const found = state.networks[id] || (state.seen !== null ? await asked(`network?id=${id}`) : null);
    const [, text, place] = dialog.children;
    text.innerHTML = found ? found.words : words;
    place.innerHTML = found ? found.drawing : "<p class='faint'>This file has no drawing of this network. "
      + "The command haemsa watch shows all of them.</p>";
    if (!dialog.open) dialog.showModal();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-network]");
    if (button) open(Number(button.dataset.network), "");
    if (event.target === dialog) dialog.close();
  });

  // -- a live page

  async function asked(address) {
    try {
      const answer = await fetch(address);
      return answer.ok ? await answer.json() : { error: await answer.text() };
    } catch (error) {
      return { error: "haemsa watch has ended, so this page shows the last that was known." };
    }
  }

  async function follow() {
    const news = await asked(`state?seen=${state.seen}`);
    const line = document.getElementById("news");
    line.hidden = !news.error;
    line.textContent = news.error || "";
    if (!news.error && news.seen !== state.seen) {
      state.seen = news.seen;
      apply(news);
      tick();
    }
    setTimeout(follow, every);
  }

  function tick() {
    for (const place of document.querySelectorAll("[data-since]")) {
      const seconds = Math.max(0, Math.round(Date.now() / 1000 - Number(place.dataset.since)));
      const ago = seconds < 120 ? `${seconds} s` : seconds < 7200 ? `${Math.round(seconds / 60)} min`
        : `${Math.round(seconds / 3600)} h`;
      place.textContent = `The last result came ${ago} ago.`;
    }
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const [place, plot] of drawn) draw(place, plot);
  });
  apply(state);
  tick();
  setInterval(tick, 1000);
  if (state.seen !== null) setTimeout(follow, every);
})();
