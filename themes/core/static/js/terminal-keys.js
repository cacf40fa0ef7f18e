// Keys of the terminal: they move to a field and choose a side. None of them sends anything.
(() => {
  const root = document.querySelector("[data-terminal]");
  if (!root) return;
  const typing = (target) => target.matches("input:not([type=radio]):not([type=checkbox]), select, textarea");
  const side = (value) => {
    const one = root.querySelector(`#ticket [name="side"][value="${value}"]`);
    one.checked = true;
    one.dispatchEvent(new Event("change", { bubbles: true }));
    root.querySelector("#field-qty").focus();
  };
  const acts = {
    b: () => side("buy"),
    s: () => side("sell"),
    "/": () => root.querySelector("[data-terminal-symbol]").focus(),
    ...Object.fromEntries([...root.querySelectorAll("[data-terminal-interval]")].map((one, at) => [`${at + 1}`, () => one.click()])),
    "?": () => document.getElementById("terminal-help")?.togglePopover(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key === "Escape" && typing(event.target)) return event.target.blur();
    const act = acts[event.key.toLowerCase()];
    if (!act || typing(event.target)) return;
    event.preventDefault();
    act();
  });
  root.querySelector("[data-terminal-symbol]").addEventListener("change", (event) => event.target.form.submit());
})();
