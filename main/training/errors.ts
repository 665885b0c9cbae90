/** Errors that end a training and that others need to recognise. */

/** A loss became NaN or infinite; the weights are lost, the last checkpoint is good. */
export class NonFiniteLossError extends Error {
  readonly metric: string;
  /** Optimiser step, from 1, whose loss it was. */
  readonly step: number;

  constructor(metric: string, step: number, value: number) {
    super(
      `${metric} became ${Number.isNaN(value) ? 'not a number' : 'infinite'} at step ${step}. ` +
        'The last checkpoint is from before; try a lower learning rate or a longer warm-up.',
    );
    this.name = 'NonFiniteLossError';
    this.metric = metric;
    this.step = step;
  }
}
