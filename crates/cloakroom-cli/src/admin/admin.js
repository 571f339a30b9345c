// Keeps the overview up to date. Without this script the page stays as it was loaded.
const live = document.getElementById("live");
const lost = document.getElementById("lost");
const updates = new EventSource("live");
updates.onmessage = (event) => {
  live.innerHTML = event.data; // rendered and escaped by the server
  lost.hidden = true;
};
updates.onerror = () => {
  lost.hidden = false;
};
