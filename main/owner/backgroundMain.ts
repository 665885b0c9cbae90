/** Entry of a background process of the owner: datasets, pictures, analysis, engines. */
import { backgroundTasks } from './backgroundTasks.ts';
import { serveTasks } from './serveTasks.ts';

serveTasks(backgroundTasks);
