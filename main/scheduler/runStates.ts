/**
 * The states of a run and how it gets from one to another: the only source for that, used by everything that changes a
 * state. Whatever is not in the table does not happen.
 */
import type { RunState } from '../../preload/contract.ts';
import { StudioError } from '../store/errors.ts';
import type { EndState } from '../trainer/protocol.ts';

/** What can happen to a run. */
export type RunEvent =
  | 'start'
  | 'requeue'
  | 'begin'
  | 'complete'
  | 'fail'
  | 'stop'
  | 'pause'
  | 'crash'
  | 'cancel'
  | 'resume'
  | 'evaluate';

export interface Transition {
  from: RunState;
  event: RunEvent;
  to: RunState;
}

export const TRANSITIONS: readonly Transition[] = [
  // A slot is free: a trainer is being started.
  { from: 'queued', event: 'start', to: 'preparing' },
  // The owner died between the decision to start and the start, so that there never was a trainer.
  { from: 'preparing', event: 'requeue', to: 'queued' },
  // The trainer has its engine and its data.
  { from: 'preparing', event: 'begin', to: 'running' },
  { from: 'preparing', event: 'fail', to: 'failed' },
  { from: 'preparing', event: 'stop', to: 'stopped' },
  { from: 'preparing', event: 'pause', to: 'paused' },
  { from: 'preparing', event: 'crash', to: 'crashed' },
  { from: 'running', event: 'complete', to: 'completed' },
  { from: 'running', event: 'fail', to: 'failed' },
  { from: 'running', event: 'stop', to: 'stopped' },
  { from: 'running', event: 'pause', to: 'paused' },
  // The trainer is gone without a last word.
  { from: 'running', event: 'crash', to: 'crashed' },
  // Stopped by the user while no trainer has it.
  { from: 'queued', event: 'cancel', to: 'stopped' },
  { from: 'paused', event: 'cancel', to: 'stopped' },
  // Goes on from its last checkpoint, at the head of the queue.
  { from: 'paused', event: 'resume', to: 'queued' },
  { from: 'stopped', event: 'resume', to: 'queued' },
  { from: 'crashed', event: 'resume', to: 'queued' },
  { from: 'failed', event: 'resume', to: 'queued' },
  // An imported checkpoint is evaluated by a job of its own run, as often as its owner likes.
  { from: 'completed', event: 'evaluate', to: 'queued' },
  { from: 'stopped', event: 'evaluate', to: 'queued' },
  { from: 'crashed', event: 'evaluate', to: 'queued' },
  { from: 'failed', event: 'evaluate', to: 'queued' },
];

/** States in which a trainer has the run. */
export const ACTIVE_STATES: readonly RunState[] = ['preparing', 'running'];

/** Event that each way of ending by one's own word is. */
export const END_EVENTS: Record<EndState, RunEvent> = {
  completed: 'complete',
  failed: 'fail',
  stopped: 'stop',
  paused: 'pause',
};

const FROM_WHERE: Record<RunEvent, string> = Object.fromEntries(
  TRANSITIONS.map(({ event }) => [
    event,
    TRANSITIONS.filter((transition) => transition.event === event)
      .map(({ from }) => from)
      .join(' or '),
  ]),
) as Record<RunEvent, string>;

/** The state after an event, or null where the event can't happen. */
export function findNextState(from: RunState, event: RunEvent): RunState | null {
  return TRANSITIONS.find((transition) => transition.from === from && transition.event === event)?.to ?? null;
}

/** The state after an event. Throws a StudioError (conflict) where the event can't happen. */
export function nextState(from: RunState, event: RunEvent): RunState {
  const to = findNextState(from, event);
  if (to === null) {
    throw new StudioError(
      'conflict',
      `The run is ${from}; "${event}" is for a run that is ${FROM_WHERE[event]}.`,
    );
  }
  return to;
}
