/**
 * What a reference program's log says, in our terms. Accuracies are fractions 0…1, losses nats, steps count from 1 over
 * the whole run. `printed` keeps the numbers as the program printed them (percent where it prints percent), an epoch an
 * entry, so that nothing is lost in the translation.
 */

export type ReferenceProgram =
  'imagenet-example' | 'reslt-cifar' | 'reslt-large' | 'reslt-ride' | 'ride' | 'ldam';

export interface ReferencePoint {
  /** Optimiser steps taken, from 1. */
  step: number;
  /** The same in epochs, from 0; an epoch's mean stands at its end. */
  epoch: number;
  value: number;
}

/** A curve under our metric's name: `train/loss`, `train/loss/branch`, `train/epoch-loss`, `train/top1`, `train/lr`, … */
export interface ReferenceSeries {
  metric: string;
  points: ReferencePoint[];
}

export interface ReferenceEvaluation {
  /** Finished epochs. 0 in a log of an evaluation alone. */
  epoch: number;
  step: number;
  /** The originals evaluate on what their papers report as the test set, also where they print "val"; our own logs have both. */
  split: 'test' | 'val';
  loss: number | null;
  top1: number;
  top5: number | null;
  /** Index = class; null for a class without examples. */
  perClass: (number | null)[] | null;
  /** ResLT's programs print means over their own ranges of classes. */
  groups: { scheme: 'reslt-ranges'; many: number | null; medium: number | null; few: number | null } | null;
}

/** What the log proves about the run; null where it does not. */
export interface ReferenceFacts {
  method: 'reslt' | 'ride-reslt' | 'ride' | null;
  classes: number | null;
  /** Vectors printed from the GPU say so; those without a device prove nothing, since our own logs print none. */
  device: 'cuda' | null;
  /** ResLT's weight of the individual term, from lines that print both terms. */
  beta: number | null;
  /** As printed: local time of that machine. */
  startedAt: string | null;
  /** Best top-1 that the program printed, 0…1. */
  bestTop1: number | null;
  /** Names of the checkpoints that it saved, in order. */
  saved: { kind: 'best' | 'checkpoint'; path: string }[];
}

export interface ReferenceRun {
  /** Epochs of which the log shows anything. */
  epochs: number;
  /** Not exact where the program does not print it; then a nominal number that keeps the order of the points. */
  stepsPerEpoch: { count: number; exact: boolean };
  series: ReferenceSeries[];
  evaluations: ReferenceEvaluation[];
  facts: ReferenceFacts;
  /** Sentences a reader of the curves should know. */
  notes: string[];
  /** Per epoch, with the program's own numbers. */
  printed: Record<string, unknown>[];
}

export const NO_FACTS: ReferenceFacts = {
  method: null,
  classes: null,
  device: null,
  beta: null,
  startedAt: null,
  bestTop1: null,
  saved: [],
};

/** One parser: which lines are its program's, and what they say. */
export interface LogFormat {
  program: ReferenceProgram;
  /** For people. */
  label: string;
  /** A line that this program prints; of programs with as many such lines in a log the earlier format is taken. */
  isOwn(line: string): boolean;
  /** Lines that say nothing to it are counted, not refused. */
  parse(lines: LogLines): { runs: ReferenceRun[]; skippedLines: number };
}

export interface LogLines {
  lines: string[];
  /** False when the text ends inside its last line, which may then be cut short. */
  isLastLineWhole: boolean;
}
