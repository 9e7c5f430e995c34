// The things to see, and which of them were seen.

import { $, element } from './dom.js';

const seenSteps = new Set(JSON.parse(sessionStorage.getItem('auth-demo-seen') ?? '[]'));

/** Ticks off one of the things to see. */
export function seen(step) {
  seenSteps.add(step);
  sessionStorage.setItem('auth-demo-seen', JSON.stringify([...seenSteps]));
  renderTour();
}

export function renderTour() {
  for (const item of $('tour').children) {
    const done = seenSteps.has(item.dataset.step);
    if (done && item.dataset.done !== 'true') {
      item.firstElementChild.append(element('span', { className: 'hidden' }, ' Done.'));
    }
    item.dataset.done = String(done);
  }
}
