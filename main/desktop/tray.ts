/**
 * The icon that is there while training goes on without a window. Some Linux desktops show no tray at all; starting the
 * app again brings the window back there too.
 */
import { Menu, Tray, nativeImage } from 'electron';

export interface TrayActions {
  open(): void;
  quit(): void;
}

export interface TrayHandle {
  /** One line on what goes on: "ResLT β 0.998 · seed 0, 57 %, 2 waiting". */
  describe(text: string): void;
  destroy(): void;
}

export function createTray(iconPath: string, { open, quit }: TrayActions): TrayHandle {
  const tray = new Tray(nativeImage.createFromPath(iconPath));
  let shown = '';
  const describe = (text: string): void => {
    if (text === shown) return;
    shown = text;
    tray.setToolTip(`ResLT Studio: ${text}`);
    tray.setContextMenu(
      Menu.buildFromTemplate([
        { label: text, enabled: false },
        { type: 'separator' },
        { label: 'Open ResLT Studio', click: open },
        { label: 'Quit (training goes on)', click: quit },
      ]),
    );
  };
  tray.on('click', open);
  describe('nothing is running');
  return { describe, destroy: () => tray.destroy() };
}
