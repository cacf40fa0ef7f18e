// The service worker: pages as they were last seen when there is no connection, and notices when no page is open.
// Pages of a signed-in person lie in a cache that is named after their session; any other session's is thrown away.
const SHELL = "shell-1", PAGES = "pages-", FILES = "files-1", OFFLINE = "/offline";
const FILES_MAX = 120, PAGES_MAX = 40;
const STATIC = /^\/(theme|brand|icon)\//;
// What changes something, signs in, or shows a secret once is never kept.
const NEVER = /^\/(account\/(sign-in|register|forgot|reset|verify|invited|factors|export)|keys\/new|live|health|api)/;

addEventListener("install", (event) => {
  event.waitUntil(caches.open(SHELL).then((cache) => cache.add(new Request(OFFLINE, { cache: "reload" }))).then(() => skipWaiting()));
});

addEventListener("activate", (event) => {
  const known = (name) => name === SHELL || name === FILES || name.startsWith(PAGES);
  const tidy = caches.keys().then((names) => Promise.all(names.filter((name) => !known(name)).map((name) => caches.delete(name))));
  event.waitUntil(tidy.then(() => clients.claim()));
});

const trim = async (cache, most) => {
  const keys = await cache.keys();
  await Promise.all(keys.slice(0, Math.max(keys.length - most, 0)).map((key) => cache.delete(key)));
};

const pagesOf = async (reader) => {
  const own = PAGES + reader;
  const others = (await caches.keys()).filter((name) => name.startsWith(PAGES) && name !== own);
  await Promise.all(others.map((name) => caches.delete(name)));
  return reader ? caches.open(own) : null;
};

const keep = async (request, response) => {
  const cache = await pagesOf(response.headers.get("Page-Reader") ?? "");
  if (cache === null || !response.ok || response.redirected || NEVER.test(new URL(request.url).pathname)) return;
  await cache.put(request.url, response);
  await trim(cache, PAGES_MAX);
};

// The page is told since when it stands, so that it can say so.
const asOf = async (response) => {
  const text = await response.text(), at = response.headers.get("Date") ?? "";
  const told = text.replace("<head>", `<head>\n  <meta name="kept-at" content="${at.replace(/[^\w ,:]/g, "")}">`);
  return new Response(told, { status: 200, headers: response.headers });
};

const last = async (request) => {
  for (const name of await caches.keys()) {
    const found = name.startsWith(PAGES) && (await (await caches.open(name)).match(request.url));
    if (found) return asOf(found);
  }
  return (await caches.match(OFFLINE)) ?? Response.error();
};

const page = async (event) => {
  try {
    const response = await fetch(event.request);
    if (response.type === "basic" && response.headers.get("Content-Type")?.startsWith("text/html"))
      event.waitUntil(keep(event.request, response.clone()));
    return response;
  } catch {
    return last(event.request);
  }
};

const file = async (event) => {
  const cache = await caches.open(FILES), kept = await cache.match(event.request);
  if (kept) return kept;
  const response = await fetch(event.request);
  if (response.ok && /immutable|max-age=31536000/.test(response.headers.get("Cache-Control") ?? ""))
    event.waitUntil(cache.put(event.request, response.clone()).then(() => trim(cache, FILES_MAX)));
  return response;
};

addEventListener("fetch", (event) => {
  const { request } = event, url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate") event.respondWith(page(event));
  else if (STATIC.test(url.pathname)) event.respondWith(file(event));
});

addEventListener("push", (event) => {
  const told = event.data?.json() ?? {};
  if (!told.title) return;
  const options = { body: told.body ?? "", tag: told.tag || undefined, data: { url: told.url ?? "/" }, icon: "/icon/icon-192.png" };
  event.waitUntil(registration.showNotification(told.title, options));
});

addEventListener("notificationclick", (event) => {
  event.notification.close();
  const url = new URL(event.notification.data?.url ?? "/", location.origin);
  if (url.origin !== location.origin) return;
  const show = async () => {
    const open = (await clients.matchAll({ type: "window" })).find((one) => one.url === url.href);
    return open ? open.focus() : clients.openWindow(url.href);
  };
  event.waitUntil(show());
});
