/** What the functions of the contract work with: the opened parts of one library. */
import type { AppInfo, Notice } from '../../preload/contract.ts';
import type { Background } from '../owner/background.ts';
import type { ForeignFiles } from '../owner/foreign.ts';
import type { Scheduler } from '../scheduler/index.ts';
import type { Store } from '../store/index.ts';
import type { Tasks } from '../tasks.ts';
import type { TrashFiles } from '../trashFiles.ts';

export interface ApiContext {
  libraryFolder: string;
  shell: AppInfo['shell'];
  store: Store;
  scheduler: Scheduler;
  background: Background;
  /** Files of other programs. */
  foreign: ForeignFiles;
  tasks: Tasks;
  trashFiles: TrashFiles;
  notify(notice: Notice): void;
}
