/** Entry of the process that reads files of other programs. It has no library, no network and no tasks but these. */
import { foreignTasks } from './foreignTasks.ts';
import { serveTasks } from './serveTasks.ts';

serveTasks(foreignTasks);
