// Guards the review page's keys and buttons, keeps unsaved text, and shows the keys.
//
// The keys themselves belong to Streamlit's buttons, whose ids name the item they decide. What is left to guard: a key
// held down, a press in the instant before an item can be seen, a double click that would hit the next item, and text
// that is typed but not yet sent.

const DWELL = 150 // milliseconds that an item must have been on screen before it can be decided
const SETTLING = 2000 // milliseconds during which Streamlit may still set an edited field's text
const FIELD = ".st-key-edited textarea"
const OTHER_KEYS = { arrowright: "j", arrowleft: "k" }

export default function ({ data, parentElement }) {
  const own = parentElement.querySelector(".open")
  const state = (own.guard ??= { item: null, since: 0, role: null, release: () => {} })
  state.release() // called anew for every item, but cleaned up by Streamlit only when it leaves the page
  if (state.item !== data.item) {
    state.item = own.dataset.guards = data.item
    state.since = performance.now()
    leaveSelector()
  }
  const sheet = parentElement.querySelector("dialog")
  listKeys(sheet, data.keys)
  own.onclick = () => sheet.showModal()
  const said = parentElement.querySelector(".said")
  said.textContent = ""
  if (data.sent) localStorage.removeItem(data.sent)

  const onKey = event => guardKey(event, state, data, sheet)
  const onClick = event => {
    if (actionOf(event.target) && !isSeen(state, data)) stop(event)
  }
  // The decided item's button goes and takes the focus along; the same button of the next item gets it.
  const onFocus = event => (state.role = actionOf(event.target))
  document.addEventListener("keydown", onKey, true)
  document.addEventListener("click", onClick, true)
  document.addEventListener("focusin", onFocus)
  const giveBack = requestAnimationFrame(() => focusAgain(state))
  const releaseDraft = data.draft ? keepDraft(data.draft, data.base, said) : () => {}
  state.release = () => {
    document.removeEventListener("keydown", onKey, true)
    document.removeEventListener("click", onClick, true)
    document.removeEventListener("focusin", onFocus)
    cancelAnimationFrame(giveBack)
    releaseDraft()
  }
  return () => state.release()
}

function isSeen(state, data) {
  const card = document.querySelector("[data-item]")
  const shown = card && card.dataset.item === data.item && !card.closest('[data-stale="true"]')
  return shown && performance.now() - state.since >= DWELL
}

function guardKey(event, state, data, sheet) {
  const target = event.composedPath()[0]
  const writes = target.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target.tagName) || isTextInput(target)
  // Leaving a text field sends what is in it before the key's own button does anything.
  if (writes && event.key === "Escape") target.blur()
  if (writes || event.ctrlKey || event.metaKey || event.altKey) return
  if (sheet.open) {
    if (event.key !== "Escape" && event.key !== "Enter" && event.key !== "Tab" && event.key !== " ") stop(event)
    return
  }
  const key = event.key.toLowerCase()
  if (key === "?") {
    stop(event)
    sheet.showModal()
  } else if (key in OTHER_KEYS && document.activeElement === document.body) {
    stop(event)
    if (!event.repeat) press(data.buttons[OTHER_KEYS[key]])
  } else if (key in data.buttons) {
    if (event.repeat || (data.decides.includes(key) && !isSeen(state, data))) stop(event)
    else if (key in data.alias) {
      stop(event)
      press(data.buttons[key])
    }
  }
}

function isTextInput(target) {
  return target.tagName === "INPUT" && !/^(checkbox|radio|range|button|file|reset|submit|color)$/.test(target.type)
}

function actionOf(target) {
  const holder = target.closest?.('[class*="st-key-act-"]')
  return holder ? /st-key-act-([a-z]+)/.exec(holder.className)[1] : null
}

function press(role) {
  document.querySelector(`[class*="st-key-act-${role}"] button:not(:disabled)`)?.click()
}

// A selector keeps the focus after its choice, and every key with it.
function leaveSelector() {
  const active = document.activeElement
  if (active.getAttribute("role") === "combobox" && active.getAttribute("aria-expanded") !== "true") active.blur()
}

function focusAgain(state) {
  if (!state.role || document.activeElement !== document.body) return
  document.querySelector(`[class*="st-key-act-${state.role}"] button`)?.focus({ preventScroll: true })
}

function stop(event) {
  event.preventDefault()
  event.stopImmediatePropagation()
}

function listKeys(sheet, keys) {
  const list = sheet.querySelector("dl")
  list.replaceChildren()
  for (const [key, meaning] of keys) {
    const term = document.createElement("dt")
    term.appendChild(document.createElement("kbd")).textContent = key
    const told = document.createElement("dd")
    told.textContent = meaning
    list.append(term, told)
  }
}

// Text is kept in the browser with every stroke, so that neither a reload nor a lost server takes it. What was kept is
// put back while the field settles: Streamlit may set its value, or make it anew, a moment after it has appeared.
function keepDraft(name, base, said) {
  const kept = localStorage.getItem(name)
  const until = performance.now() + SETTLING
  let frame
  let typed = false
  const onInput = event => {
    if (!event.isTrusted || !event.target.matches(FIELD)) return
    typed = true
    localStorage.setItem(name, event.target.value)
  }
  const settle = () => {
    const field = document.querySelector(FIELD)
    if (field && !typed) {
      if (kept !== null && kept !== base && field.value === base) {
        Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(field, kept)
        field.dispatchEvent(new Event("input", { bubbles: true }))
        said.textContent = "Your unsaved text is back."
      }
      if (document.activeElement === document.body) {
        field.focus()
        field.setSelectionRange(field.value.length, field.value.length)
      }
    }
    if (!typed && performance.now() < until) frame = requestAnimationFrame(settle)
  }
  document.addEventListener("input", onInput, true)
  settle()
  return () => {
    document.removeEventListener("input", onInput, true)
    cancelAnimationFrame(frame)
  }
}
