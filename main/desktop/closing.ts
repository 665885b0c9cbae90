/**
 * What happens when the window is asked to close: with nothing to do the app leaves; with training under way it asks
 * what should become of it (in the page, or natively when the page can't answer) and carries out the answer.
 */
import { dialog, type BrowserWindow } from 'electron';
import type { CloseAnswer, Preferences, Queue } from '../../preload/contract.ts';
import { CLOSE_ANSWERS, decideClose } from './closeQuestion.ts';

export interface ClosingParts {
  /** Whether this process owns the library; if not, closing changes nothing for its runs. */
  isOwner(): boolean;
  /** A request of the contract; throws the owner's sentence. */
  ask<T>(method: string, argument?: unknown): Promise<T>;
  window(): BrowserWindow | null;
  /** Whether the page can show the question. */
  isPageUsable(): boolean;
  /** Makes the page ask. */
  askInPage(): void;
  /** Closes the window; the app lives on in the tray. */
  keepInTray(): Promise<void>;
  quit(): Promise<void>;
}

export interface Closing {
  /** The window was asked to close. */
  requested(): Promise<void>;
  /** The page's answer. `remember`: do this every time. */
  answered(answer: CloseAnswer, remember: boolean): Promise<void>;
}

/** Where the answer "Do this every time" is kept, among the `views` of the preferences: the Settings page shows it. */
const CLOSE_PREFERENCE = 'closeWhileTraining';
/** Runs that were told to pause or stop get so long to leave; a step and a checkpoint fit in many times over. */
const SETTLE_MS = 60_000;
const LOOK_MS = 200;

export function createClosing(parts: ClosingParts): Closing {
  let isDeciding = false;

  async function requested(): Promise<void> {
    if (isDeciding) return;
    isDeciding = true;
    try {
      await decide();
    } catch {
      // The library does not answer, so there is nothing to ask about; trainings go on by themselves.
      await parts.quit();
    } finally {
      isDeciding = false;
    }
  }

  async function decide(): Promise<void> {
    if (!parts.isOwner()) return parts.quit();
    const queue = await parts.ask<Queue>('getQueue');
    const { views } = await parts.ask<Preferences>('getPreferences');
    const decision = decideClose({
      activeRuns: queue.running.length,
      waitingRuns: queue.paused ? 0 : queue.waiting.length,
      remembered: CLOSE_ANSWERS.find((answer) => answer === views[CLOSE_PREFERENCE]) ?? null,
    });
    if (decision === 'quit') return parts.quit();
    if (decision !== 'ask') return act(decision);
    if (parts.isPageUsable()) parts.askInPage();
    else await act(await askNatively());
  }

  async function askNatively(): Promise<CloseAnswer> {
    const options = {
      message: 'Close while something trains?',
      buttons: ['Keep Training in the Background', 'Pause After a Checkpoint', 'Stop the Run', 'Cancel'],
      cancelId: CLOSE_ANSWERS.indexOf('cancel'),
    };
    const parent = parts.window();
    const { response } = await (parent
      ? dialog.showMessageBox(parent, options)
      : dialog.showMessageBox(options));
    return CLOSE_ANSWERS[response] ?? 'cancel';
  }

  async function answered(answer: CloseAnswer, remember: boolean): Promise<void> {
    try {
      if (remember && answer !== 'cancel')
        await parts.ask('updatePreferences', { views: { [CLOSE_PREFERENCE]: answer } });
      await act(answer);
    } catch (error) {
      dialog.showErrorBox('The window stays open', (error as Error).message);
    }
  }

  async function act(answer: CloseAnswer): Promise<void> {
    if (answer === 'cancel') return;
    if (answer === 'keep') return parts.keepInTray();
    // The queue first, or the next run starts as soon as this one has left.
    const { running } = await parts.ask<Queue>('setQueuePaused', { paused: true });
    for (const { id } of running) await parts.ask(answer === 'pause' ? 'pauseRun' : 'stopRun', { id });
    parts.window()?.hide();
    await untilNothingRuns();
    // Whoever has started the app again meanwhile has its window back.
    if (parts.window()?.isVisible() !== true) await parts.quit();
  }

  /** The owner sees a run out: it repeats the wish, and makes it come true when the trainer does not answer. */
  async function untilNothingRuns(): Promise<void> {
    for (const deadline = Date.now() + SETTLE_MS; Date.now() < deadline;) {
      const { running } = await parts.ask<Queue>('getQueue');
      if (running.length === 0 || parts.window()?.isVisible() === true) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  return { requested, answered };
}
