/* Sets the theme before the first paint, from the last choice that this browser or window saw: the library's own
   preference arrives with the first answer, which is too late to avoid a flash. */
(function () {
  var choice = 'system';
  try {
    choice = localStorage.getItem('theme') || 'system';
  } catch (error) {
    /* Storage may be switched off; the system's theme is the best guess then. */
  }
  var dark = choice === 'dark' || (choice === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.setAttribute('data-theme', dark ? 'dark' : 'light');
})();
