/**
 * Electron's entry. Reads as the list of what the app does at launch: one instance a library, no page may leave its
 * bounds, open the library (as its owner, or as a client of the process that owns it), show the window.
 */
import path from 'node:path';
import { app, dialog } from 'electron';
import { libraryFromArguments, userDataFor } from './desktop/launch.ts';
import { startDesktop } from './desktop/app.ts';
import { declarePageScheme } from './desktop/pageScheme.ts';
import { refusePermissions, restrictPages } from './desktop/security.ts';

const libraryFolder = libraryFromArguments(process.argv, process.env);

app.setName('ResLT Studio');
// Windows shows notifications only of an app that it can name: electron-builder.yml's appId.
app.setAppUserModelId('reslt-studio');
// One profile a library: the single-instance lock belongs to it, so two libraries can be open side by side.
app.setPath('userData', userDataFor(app.getPath('appData'), libraryFolder));
// Root in a container can only start with --no-sandbox, and the two together leave Chromium without any process.
if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox();

if (!app.requestSingleInstanceLock()) {
  // The first instance has been told and brings its window to the front.
  app.quit();
} else {
  declarePageScheme();
  restrictPages();
  app
    .whenReady()
    .then(() => {
      refusePermissions();
      return startDesktop({ libraryFolder, preload: path.join(__dirname, 'preload.cjs') });
    })
    .catch((error: unknown) => {
      const text = error instanceof Error ? error.message : String(error);
      console.error(text);
      // A test or a script has nobody to press OK.
      if (process.env['CI'] === undefined) dialog.showErrorBox('ResLT Studio cannot start', text);
      app.exit(1);
    });
}
