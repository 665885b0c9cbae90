/** Starts the page: styles, preferences (for the theme, before anything is drawn), the stream of notices, the window. */
import './styles/tokens.css';
import './styles/base.css';
import './styles/window.css';
import './styles/controls.css';
import './styles/forms.css';
import './styles/tables.css';
import './styles/panels.css';
import './styles/messages.css';
import './styles/overlays.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { startNotices } from './lib/notices.ts';
import { preferences } from './lib/preferences.svelte.ts';

/** A server that does not answer must not leave the page white: the window shows the lost connection instead. */
const PREFERENCES_DEADLINE_MS = 1500;

startNotices();
await Promise.race([
  preferences.load().catch(() => undefined),
  new Promise((resolve) => setTimeout(resolve, PREFERENCES_DEADLINE_MS)),
]);
const target = document.getElementById('app');
if (!target) throw new Error('index.html has no element with id "app".');
mount(App, { target });
