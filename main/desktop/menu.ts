/** The application menu. Entries that act on the page send it a command by the words that its palette uses. */
import { app, Menu, type MenuItemConstructorOptions } from 'electron';

export interface MenuActions {
  /** Brings the window up (making it where there is none) and hands the page a command. */
  command(name: string): void;
  quit(): void;
}

export function buildMenu({ command, quit }: MenuActions): Menu {
  const isMac = process.platform === 'darwin';
  const entry = (label: string, name: string, accelerator?: string): MenuItemConstructorOptions => ({
    label,
    click: () => command(name),
    // The page itself listens for its shortcuts (they work in headless mode too): shown here, not registered twice.
    ...(accelerator === undefined ? {} : { accelerator, registerAccelerator: false }),
  });
  const separator: MenuItemConstructorOptions = { type: 'separator' };
  const quitEntry: MenuItemConstructorOptions = { label: 'Quit', accelerator: 'CmdOrCtrl+Q', click: quit };
  const settings = entry('Settings…', 'page.settings', 'CmdOrCtrl+,');

  const template: MenuItemConstructorOptions[] = [
    ...(isMac
      ? [
          {
            label: app.name,
            submenu: [
              { role: 'about' as const },
              separator,
              settings,
              separator,
              { role: 'hide' as const },
              quitEntry,
            ],
          },
        ]
      : []),
    {
      label: 'File',
      submenu: [
        entry('New Run…', 'run.new', 'CmdOrCtrl+N'),
        entry('Add Dataset…', 'dataset.add'),
        entry('Import…', 'import'),
        ...(isMac ? [separator, { role: 'close' as const }] : [separator, settings, separator, quitEntry]),
      ],
    },
    { role: 'editMenu' },
    {
      label: 'View',
      submenu: [
        entry('Datasets', 'page.datasets', 'CmdOrCtrl+1'),
        entry('Runs', 'page.runs', 'CmdOrCtrl+2'),
        entry('Compare', 'page.compare', 'CmdOrCtrl+3'),
        separator,
        entry('Command Palette…', 'palette', 'CmdOrCtrl+K'),
        entry('Switch Theme', 'theme.toggle'),
        separator,
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        { role: 'togglefullscreen' },
      ],
    },
    {
      label: 'Run',
      submenu: [
        entry('Start Queue', 'queue.resume'),
        entry('Pause Queue', 'queue.pause'),
        separator,
        entry('Stop Run', 'run.stop', 'CmdOrCtrl+.'),
        entry('Duplicate and Edit…', 'run.duplicate', 'CmdOrCtrl+D'),
      ],
    },
    { role: 'windowMenu' },
    {
      label: 'Help',
      submenu: [
        entry('Keyboard Shortcuts', 'shortcuts', 'CmdOrCtrl+/'),
        entry('Run the Sample', 'run.sample'),
        entry('Check-up', 'settings.doctor'),
        ...(isMac ? [] : [separator, { role: 'about' as const }]),
      ],
    },
  ];
  return Menu.buildFromTemplate(template);
}
