// Owns the theme before the first paint: a module would come too late. Must do nothing else.
try {
  document.documentElement.dataset.theme = localStorage.getItem("milepost.theme") || "";
} catch {
  // Without storage it is the system's.
}
