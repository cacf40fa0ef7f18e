"use strict";
// Draws the lab from its control API. The token comes from the address's fragment (#token=…) or the form, and stays
// in this tab; every text is set as text, never as markup.

const SHOWN = 60;
const PAUSE_MS = 1000;
const by = (id) => document.getElementById(id);
const state = { token: "", venue: "", after: null, records: [] };

async function ask(path, fields = {}) {
  const query = new URLSearchParams(fields).toString();
  const answer = await fetch(`/lab/v1/${path}${query ? `?${query}` : ""}`, { headers: { "X-Lab-Token": state.token } });
  const body = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(body.error), { status: answer.status });
  return body;
}

function cell(text, kind = "") {
  const made = document.createElement("td");
  made.textContent = text ?? "";
  if (kind) made.className = kind;
  return made;
}

function fill(body, rows, columns) {
  const made = rows.map((cells) => {
    const row = document.createElement("tr");
    row.append(...cells);
    return row;
  });
  if (!made.length) {
    const row = document.createElement("tr");
    const none = cell("none", "empty");
    none.colSpan = columns;
    row.append(none);
    made.push(row);
  }
  body.replaceChildren(...made);
}

function line(head, rest) {
  const made = document.createElement("li");
  const strong = document.createElement("b");
  strong.textContent = head;
  made.append(strong, ` ${rest}`);
  return made;
}

const sign = (text) => (Number(text) > 0 ? `+${text}` : text);
const rounded = (text, places) => Number(text).toFixed(places);

function drawVenues(venues) {
  const bar = by("venues");
  if (!state.venue) state.venue = venues[0];
  if (bar.children.length !== venues.length) {
    bar.replaceChildren(...venues.map((venue) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = venue;
      button.addEventListener("click", () => { state.venue = venue; state.records = []; state.after = null; look(); });
      return button;
    }));
  }
  for (const button of bar.children) button.setAttribute("aria-pressed", String(button.textContent === state.venue));
}

function drawBooks(books) {
  const rows = books.map((book) => {
    const [bid, bidQty] = book.bids[0] ?? ["", ""];
    const [ask, askQty] = book.asks[0] ?? ["", ""];
    const funding = book.funding_rate === undefined ? "" : sign(rounded(Number(book.funding_rate) * 100, 4));
    return [
      cell(book.market), cell(book.halted ? `${book.symbol} (halted)` : book.symbol), cell(bidQty), cell(bid, "bid"),
      cell(ask, "ask"), cell(askQty), cell(book.last_px), cell(funding),
    ];
  });
  fill(by("books").tBodies[0], rows, 8);
}

function drawAccounts({ total, accounts }) {
  by("accounts-count").textContent = total > accounts.length ? `${accounts.length} of ${total}` : String(total);
  const rows = accounts.map((account) => {
    const money = Object.entries(account.trading).map(([asset, [free, locked]]) =>
      `${free} ${asset}${Number(locked) ? ` (${locked} locked)` : ""}`).join(", ");
    const held = account.positions.map((p) => `${p.symbol} ${sign(p.qty)} at ${rounded(p.entry_px, 2)}`).join(", ");
    const unrealized = account.positions.reduce((sum, p) => sum + Number(p.unrealized), 0);
    const kind = unrealized > 0 ? "gain" : unrealized < 0 ? "loss" : "";
    return [
      cell(account.account), cell(money), cell(rounded(account.futures.equity, 2)), cell(held),
      cell(account.positions.length ? sign(unrealized.toFixed(2)) : "", kind), cell(account.open_orders),
    ];
  });
  fill(by("accounts").tBodies[0], rows, 6);
}

function drawFaults(faults) {
  const rows = faults.map(({ id, harm, hits, seen, ...fields }) => line(`${id} ${harm}`, [
    ...Object.entries(fields).filter(([, value]) => value).map(([name, value]) => `${name}=${value}`), `hit ${hits} times`,
  ].join(" ")));
  by("faults").replaceChildren(...(rows.length ? rows : [line("none", "")]));
}

function drawJournal() {
  const rows = state.records.slice(-SHOWN).reverse().map((record) => {
    const { seq, kind, at_ms: at, venue, account, ...rest } = record;
    const words = Object.entries(rest).filter(([, value]) => value !== null && value !== "" && typeof value !== "object")
      .map(([name, value]) => `${name}=${value}`).join(" ");
    return line(`${new Date(at).toISOString().slice(11, 23)} ${kind} ${account ?? ""}`, words);
  });
  by("journal").replaceChildren(...(rows.length ? rows : [line("nothing yet", "")]));
}

async function readJournal() {
  const place = state.after === null ? { limit: 1000 } : { limit: 1000, after: state.after };
  const { records, next } = await ask("journal", { ...place, venue: state.venue });
  state.after = next;
  state.records = [...state.records, ...records.filter((record) => record.kind !== "mark")].slice(-SHOWN);
}

async function look() {
  const lab = await ask("state");
  drawVenues(Object.keys(lab.exchanges));
  const venue = state.venue;
  const [books, accounts] = await Promise.all([
    ask("books", { venue, levels: 1 }), ask("accounts", { venue, limit: 50 }), readJournal(),
  ]);
  if (venue !== state.venue) return;
  by("status").textContent =
    `market time ${new Date(lab.market_ms).toISOString().slice(0, 19).replace("T", " ")} UTC at ${lab.speed}×, ` +
    `round trip ${lab.rtt_ms} ms, ${lab.journal_seq.toLocaleString("en")} records`;
  drawBooks(books.books);
  drawAccounts(accounts);
  drawFaults(lab.faults);
  drawJournal();
}

async function follow() {
  by("login").hidden = true;
  by("lab").hidden = false;
  for (;;) {
    try {
      await look();
    } catch (error) {
      by("status").textContent = error.status ? error.message : "The lab does not answer; trying again.";
      if (error.status === 401) {
        by("lab").hidden = true;
        by("login").hidden = false;
        by("token").focus();
        return;
      }
    }
    await new Promise((go) => setTimeout(go, PAUSE_MS));
  }
}

by("login").addEventListener("submit", (event) => {
  event.preventDefault();
  state.token = by("token").value.trim();
  follow();
});
state.token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
if (state.token) {
  history.replaceState(null, "", location.pathname);
  follow();
} else {
  by("login").hidden = false;
}
