// The counts change by themselves. Without this the page is as it was loaded.
const live = document.getElementById("live");
const lost = document.getElementById("lost");
const counts = new EventSource("/live");
counts.onmessage = (event) => {
  live.innerHTML = event.data; // the server's own text, escaped there
  lost.hidden = true;
};
counts.onerror = () => {
  lost.hidden = false;
};
