/** An owner in a process of its own, for tests that kill or stop it: `ownerProcess <library> <flood as JSON>`. Queues one run. */
import { createRun, openOwner } from './schedulerLibrary.ts';
import type { Flood } from './floodTrainer.ts';

const [folder, flood] = process.argv.slice(2);
const { store, scheduler } = openOwner(folder as string, JSON.parse(flood as string) as Partial<Flood>);
await scheduler.start();
scheduler.enqueue([createRun(store)], { first: false });
// Lives until it is killed.
setInterval(() => {}, 1000);
