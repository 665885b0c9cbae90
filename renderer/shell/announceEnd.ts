/** The toast for a run that has ended, unless its own page is on screen and shows it. */
import CircleCheck from '@lucide/svelte/icons/circle-check';
import CircleX from '@lucide/svelte/icons/circle-x';
import Square from '@lucide/svelte/icons/square';
import Zap from '@lucide/svelte/icons/zap';
import type { Notice } from '../../preload/contract.ts';
import { navigate, router } from '../lib/router.svelte.ts';
import { toasts } from '../lib/toasts.svelte.ts';
import { PAGES } from '../pages.ts';
import { STATE_WORDS } from '../ui/states.ts';

export function announceEnd(notice: Extract<Notice, { type: 'run-ended' }>): void {
  const { runId, title, state, message } = notice;
  if (router.route.page === 'run' && router.route.id === runId) return;
  toasts.show({
    tone: state === 'completed' ? 'good' : state === 'failed' || state === 'crashed' ? 'bad' : 'plain',
    icon:
      state === 'completed' ? CircleCheck : state === 'failed' ? CircleX : state === 'crashed' ? Zap : Square,
    subject: title,
    text: STATE_WORDS[state].toLowerCase() + (message ? `: ${message}` : ''),
    action: PAGES.run
      ? { label: 'Open', run: () => navigate({ page: 'run', id: runId, tab: 'overview' }) }
      : null,
  });
}
