/** Commands that work on every page; the desktop's menu asks for some of them by their ids. */
import Database from '@lucide/svelte/icons/database';
import Import from '@lucide/svelte/icons/import';
import Keyboard from '@lucide/svelte/icons/keyboard';
import Monitor from '@lucide/svelte/icons/monitor';
import Moon from '@lucide/svelte/icons/moon';
import Pause from '@lucide/svelte/icons/pause';
import Play from '@lucide/svelte/icons/play';
import Plus from '@lucide/svelte/icons/plus';
import Square from '@lucide/svelte/icons/square';
import Stethoscope from '@lucide/svelte/icons/stethoscope';
import Sun from '@lucide/svelte/icons/sun';
import { api, toFailure } from '../lib/api.ts';
import type { AppState } from '../lib/app.svelte.ts';
import type { Command } from '../lib/commands.svelte.ts';
import { dialogs, openAddDataset, openNewRun } from '../lib/dialogs.svelte.ts';
import { preferences } from '../lib/preferences.svelte.ts';
import { navigate } from '../lib/router.svelte.ts';
import { runLabel } from '../lib/runs.ts';
import { toasts } from '../lib/toasts.svelte.ts';
import { PAGES, railEntries } from '../pages.ts';
import { sampleRun } from '../runs/sampleRun.svelte.ts';

/** A command has no place of its own, so what it could not do is told in a toast. */
async function act(request: () => Promise<unknown>): Promise<void> {
  try {
    await request();
  } catch (thrown) {
    toasts.show({ tone: 'bad', text: toFailure(thrown).message });
  }
}

async function runSample(): Promise<void> {
  navigate({ page: 'runs' });
  const run = await sampleRun.start();
  if (run && PAGES.run) navigate({ page: 'run', id: run.id, tab: 'overview' });
  else if (sampleRun.failure) toasts.show({ tone: 'bad', text: sampleRun.failure.message });
}

export function windowCommands(app: AppState): Command[] {
  const isPaused = app.queue.value?.paused ?? false;
  const running = app.running[0];
  return [
    { id: 'palette', label: null, run: () => (dialogs.isPaletteOpen = !dialogs.isPaletteOpen) },
    { id: 'run.new', label: 'New run…', icon: Plus, run: () => openNewRun() },
    {
      id: 'import',
      label: 'Import a checkpoint or log…',
      icon: Import,
      run: () => (dialogs.isImportOpen = true),
    },
    { id: 'run.sample', label: 'Run the sample', icon: Play, run: () => void runSample() },
    {
      id: 'run.stop',
      label: running ? `Stop ${runLabel(running)}` : null,
      icon: Square,
      isAvailable: () => running !== undefined,
      run: () => void act(async () => running && api.stopRun({ id: running.id })),
    },
    {
      id: 'queue.pause',
      label: 'Pause the queue',
      icon: Pause,
      isAvailable: () => !isPaused,
      run: () => void act(async () => app.queue.set(await api.setQueuePaused({ paused: true }))),
    },
    {
      id: 'queue.resume',
      label: 'Resume the queue',
      icon: Play,
      isAvailable: () => isPaused,
      run: () => void act(async () => app.queue.set(await api.setQueuePaused({ paused: false }))),
    },
    {
      id: 'dataset.add',
      label: 'Add a dataset…',
      icon: Database,
      isAvailable: () => PAGES.datasets !== undefined,
      run: () => openAddDataset(),
    },
    ...railEntries.map((entry) => ({
      id: entry.shortcut,
      label: `Go to ${entry.label}`,
      icon: entry.icon,
      run: () => navigate(entry.route),
    })),
    {
      id: 'settings.doctor',
      label: 'Check this machine',
      icon: Stethoscope,
      isAvailable: () => PAGES.settings !== undefined,
      run: () => navigate({ page: 'settings', section: 'doctor' }),
    },
    {
      id: 'shortcuts',
      label: 'Keyboard shortcuts',
      icon: Keyboard,
      run: () => (dialogs.isShortcutsOpen = true),
    },
    {
      id: 'theme.toggle',
      label: null,
      run: () => preferences.setTheme(preferences.resolvedTheme === 'dark' ? 'light' : 'dark'),
    },
    { id: 'theme.light', label: 'Theme: light', icon: Sun, run: () => preferences.setTheme('light') },
    { id: 'theme.dark', label: 'Theme: dark', icon: Moon, run: () => preferences.setTheme('dark') },
    {
      id: 'theme.system',
      label: 'Theme: as the system',
      icon: Monitor,
      run: () => preferences.setTheme('system'),
    },
  ];
}
