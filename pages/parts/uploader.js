// The drop zone: sends one file straight to the upload route and shows its progress by bytes.
// The script runs again with every rerun of the page; an upload on its way lives in `uploads` and goes on.
const uploads = new WeakMap()

const units = ["bytes", "KB", "MB", "GB", "TB"]
const size = (bytes) => {
  let value = bytes, unit = 0
  while (value >= 1000 && unit < units.length - 1) { value /= 1000; unit += 1 }
  return unit ? `${value.toFixed(1)} ${units[unit]}` : `${bytes} bytes`
}

export default function ({ parentElement: root, data, setTriggerValue }) {
  const find = (name) => root.querySelector(`[data-part="${name}"]`)
  const zone = find("zone"), input = find("input"), choose = find("choose"), stop = find("stop")
  const bar = find("bar"), fill = find("fill"), words = find("words"), hint = find("hint")
  const state = uploads.get(root) ?? { request: null }
  uploads.set(root, state)
  hint.textContent = data.hint

  const show = (phase, text) => {
    zone.dataset.phase = phase
    words.textContent = text
    bar.hidden = stop.hidden = phase !== "sending"
    choose.hidden = phase === "sending"
  }

  const progress = (file, loaded, started) => {
    const share = file.size ? loaded / file.size : 0
    const seconds = (performance.now() - started) / 1000
    const left = seconds > 1 && share > 0 ? ` · ${Math.ceil((seconds * (1 - share)) / share)} s left` : ""
    fill.style.width = `${(100 * share).toFixed(1)}%`
    bar.setAttribute("aria-valuenow", Math.floor(100 * share))
    const stage = loaded >= file.size ? "Storing" : "Uploading"
    words.textContent = `${stage} ${file.name}: ${size(loaded)} of ${size(file.size)}${loaded < file.size ? left : ""}`
  }

  const refusal = (request) => {
    try { return JSON.parse(request.responseText).error } catch { return `The server answered ${request.status}.` }
  }

  const send = (file) => {
    if (!file || state.request) return
    if (file.size === 0) return show("failed", `${file.name} is empty.`)
    if (file.size > data.most) return show("failed", `${file.name} has ${size(file.size)}; ${size(data.most)} is the limit here.`)
    const request = new XMLHttpRequest(), started = performance.now()
    state.request = request
    show("sending", "")
    progress(file, 0, started)
    request.open("PUT", `${data.url}?ticket=${encodeURIComponent(data.ticket)}`)
    request.upload.onprogress = (event) => progress(file, event.loaded, started)
    const ended = (phase, text) => { state.request = null; input.value = ""; show(phase, text) }
    request.onload = () => {
      if (request.status !== 200) return ended("failed", refusal(request))
      ended("ready", `${file.name} is uploaded.`)
      setTriggerValue("uploaded", { name: file.name, sha256: JSON.parse(request.responseText).sha256 })
    }
    request.onerror = () => ended("failed", "The connection broke off before the file was stored. Choose it again.")
    request.onabort = () => ended("ready", "The upload was stopped; nothing was stored.")
    request.send(file)
  }

  choose.onclick = () => input.click()
  stop.onclick = () => state.request?.abort()
  input.onchange = () => send(input.files[0])
  zone.ondragover = (event) => { event.preventDefault(); zone.classList.add("over") }
  zone.ondragleave = () => zone.classList.remove("over")
  zone.ondrop = (event) => {
    event.preventDefault()
    zone.classList.remove("over")
    if (event.dataTransfer.files.length > 1) return show("failed", "One file at a time, please.")
    send(event.dataTransfer.files[0])
  }
  window.onbeforeunload = () => (state.request ? "" : null)
  return () => { window.onbeforeunload = null; state.request?.abort() }
}
