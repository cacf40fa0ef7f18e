// A slider beside an amount: each follows the other. Without this only the field is there, and it is enough.
for (const box of document.querySelectorAll("[data-amount]")) {
  const range = box.querySelector("[data-amount-range]");
  const field = box.querySelector("input:not([type=range])");
  const follow = () => {
    const amount = Number(field.value);
    if (Number.isFinite(amount)) range.value = amount;
  };
  range.hidden = false;
  follow();
  field.addEventListener("input", follow);
  range.addEventListener("input", () => { field.value = range.value; });
}
