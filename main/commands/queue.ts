/** `reslt queue …`: what runs and waits, in which order. */
import type { Queue } from '../../preload/contract.ts';
import type { Client } from './client.ts';
import { seconds, table, type Output } from './output.ts';

export async function queueList(client: Client, output: Output): Promise<void> {
  show(output, await client.api.getQueue());
}

export async function queuePause(client: Client, output: Output, paused: boolean): Promise<void> {
  show(output, await client.api.setQueuePaused({ paused }));
}

/** Moves a waiting run before another, or to the end. */
export async function queueMove(
  client: Client,
  output: Output,
  text: string,
  before: string | undefined,
): Promise<void> {
  const { id: runId } = await client.api.findRun({ text });
  const other = before === undefined ? null : (await client.api.findRun({ text: before })).id;
  show(output, await client.api.moveInQueue({ runId, before: other }));
}

/** Takes a waiting run out of the queue: it is then stopped, and can be resumed. */
export async function queueRemove(client: Client, output: Output, text: string): Promise<void> {
  const { id } = await client.api.findRun({ text });
  await client.api.stopRun({ id });
  show(output, await client.api.getQueue());
}

function show(output: Output, queue: Queue): void {
  output.result(queue, () => {
    const rows = [
      ...queue.running.map((one) => [
        '▸',
        String(one.id),
        `${one.title} ${one.detail}`.trim(),
        one.datasetName ?? '–',
        seconds(one.progress?.remainingMs ?? null),
      ]),
      ...queue.waiting.map((one, index) => [
        String(index + 1),
        String(one.runId),
        `${one.title} ${one.detail}`.trim(),
        one.datasetName,
        seconds(one.estimateMs),
      ]),
    ];
    const state = queue.paused ? 'The queue is paused.' : `${queue.slots} at once.`;
    return rows.length === 0
      ? `Nothing is running or waiting. ${state}`
      : `${table(['', 'run', 'what', 'dataset', 'left'], rows)}\n${state}`;
  });
}
