// Asks the browser for a passkey when a form with data-passkey ("create" or "get") is sent, and sends its answer along.
// The question comes with the page (data-options, WebAuthn's JSON form); the answer goes into the field "credential".

const BYTES_IN = ["challenge", "id"];

function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

// What is bytes in the browser is base64url in JSON; the one "id" that is a name is that of the host that asks.
function opened(value, name) {
  if (Array.isArray(value)) return value.map((one) => opened(one));
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, key === "rp" ? one : opened(one, key)]));
  }
  return BYTES_IN.includes(name) && typeof value === "string" ? bytes(value) : value;
}

function told(credential) {
  const { response } = credential;
  const parts = { clientDataJSON: text(response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) parts[name] = text(response[name]);
  }
  if (response.getTransports) parts.transports = response.getTransports();
  return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response: parts });
}

function show(form, name) {
  for (const one of form.querySelectorAll("[data-passkey-news]")) one.hidden = one.dataset.passkeyNews !== name;
}

async function answer(form) {
  const field = form.elements.namedItem("credential");
  const button = form.querySelector("button[type=submit]");
  show(form, "");
  button.disabled = true;
  try {
    const credential = await navigator.credentials[form.dataset.passkey]({ publicKey: opened(JSON.parse(form.dataset.options)) });
    field.value = told(credential);
    form.submit();
  } catch (error) {
    button.disabled = false;
    show(form, error.name === "InvalidStateError" ? "known" : error.name === "NotAllowedError" ? "declined" : "unable");
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!window.PublicKeyCredential) show(form, "unable");
    else answer(form);
  });
}
