// Lets this browser take push messages. It asks for permission only after a tap on the button, which says what follows.
(() => {
  const box = document.querySelector("[data-push]");
  const able = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
  if (!box || !able) return;
  const add = box.querySelector("[data-push-add]"), remove = box.querySelector("[data-push-remove]");

  const show = (name, { subscribed = false } = {}) => {
    for (const one of box.querySelectorAll("[data-push-news]")) one.hidden = one.dataset.pushNews !== name;
    add.hidden = subscribed;
    remove.hidden = !subscribed;
  };
  const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  const send = async (path, told) => {
    const headers = { "Content-Type": "application/json", "X-CSRF-Token": box.dataset.csrf };
    const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(told), credentials: "same-origin" });
    if (!answer.ok) throw new Error(`answered ${answer.status}`);
  };
  const worker = async () => {
    await navigator.serviceWorker.register("/worker.js", { scope: "/" });
    return navigator.serviceWorker.ready;
  };
  const begin = async () => {
    const answer = await Notification.requestPermission();
    if (answer !== "granted") return show(answer === "denied" ? "denied" : "ready");
    const { pushManager } = await worker();
    const options = { userVisibleOnly: true, applicationServerKey: bytes(box.dataset.key) };
    const found = (await pushManager.getSubscription()) ?? (await pushManager.subscribe(options));
    await send("/notices/devices", found.toJSON());
    location.assign("/notices/settings?told=saved#push");
  };
  const end = async () => {
    const found = await (await worker()).pushManager.getSubscription();
    if (found) {
      await send("/notices/devices/forget", { endpoint: found.endpoint });
      await found.unsubscribe();
    }
    location.assign("/notices/settings?told=removed#push");
  };
  const guarded = (act, button) => async () => {
    button.disabled = true;
    try {
      await act();
    } catch {
      show("failed", { subscribed: button === remove });
    }
    button.disabled = false;
  };
  add.addEventListener("click", guarded(begin, add));
  remove.addEventListener("click", guarded(end, remove));

  const look = async () => {
    if (Notification.permission === "denied") return show("denied");
    const registration = await navigator.serviceWorker.getRegistration("/");
    const found = await registration?.pushManager.getSubscription();
    show(found ? "on" : "ready", { subscribed: Boolean(found) });
  };
  look().catch(() => show("ready"));
})();
