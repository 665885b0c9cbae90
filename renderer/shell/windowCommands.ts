/** Commands that work on every page. */
import Keyboard from '@lucide/svelte/icons/keyboard';
import Monitor from '@lucide/svelte/icons/monitor';
import Moon from '@lucide/svelte/icons/moon';
import Sun from '@lucide/svelte/icons/sun';
import type { Command } from '../lib/commands.svelte.ts';
import { dialogs } from '../lib/dialogs.svelte.ts';
import { preferences } from '../lib/preferences.svelte.ts';
import { navigate } from '../lib/router.svelte.ts';
import { railEntries } from '../pages.ts';

export function windowCommands(): Command[] {
  return [
    {
      id: 'palette',
      label: null,
      run: () => (dialogs.isPaletteOpen = !dialogs.isPaletteOpen),
    },
    ...railEntries.map((entry) => ({
      id: entry.shortcut,
      label: `Go to ${entry.label}`,
      icon: entry.icon,
      run: () => navigate(entry.route),
    })),
    {
      id: 'shortcuts',
      label: 'Keyboard shortcuts',
      icon: Keyboard,
      run: () => (dialogs.isShortcutsOpen = true),
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
