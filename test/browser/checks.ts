/// <reference lib="dom" />
/** What WCAG 2.2 AA asks of a page and a script can see. Run inside the page: nothing from outside is known here. */

/** Texts whose contrast with what is behind them is under 4.5:1. */
export function contrastProblems(): string[] {
  type Colour = [number, number, number, number];
  const parse = (text: string): Colour => {
    const [red = 0, green = 0, blue = 0, alpha = 1] = (text.match(/[\d.]+/g) ?? []).map(Number);
    return [red, green, blue, alpha];
  };
  const luminance = ([red, green, blue]: Colour): number => {
    const [r = 0, g = 0, b = 0] = [red, green, blue].map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element: Element | null): Colour => {
    if (element === null) return [255, 255, 255, 1];
    const colour = parse(getComputedStyle(element).backgroundColor);
    return colour[3] === 1 ? colour : ground(element.parentElement);
  };
  const problems: string[] = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let texts = 0;
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement;
    if (element === null || node.textContent?.trim() === '' || element.getClientRects().length === 0)
      continue;
    texts += 1;
    const style = getComputedStyle(element);
    const front = luminance(parse(element instanceof SVGElement ? style.fill : style.color));
    const back = luminance(ground(element));
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    if (ratio < 4.5) problems.push(`${node.textContent}: ${ratio.toFixed(2)}`);
  }
  return texts > 50 ? problems : [`only ${texts} texts seen`];
}

/** What reaches beyond the window's right edge. */
export function overflow(): string[] {
  const { clientWidth, scrollWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return [];
  return [...document.querySelectorAll('body *')]
    .filter((element) => element.getBoundingClientRect().right > clientWidth + 1)
    .map((element) => `${element.tagName}.${element.className}`);
}

/** Things to press that are under 24 px in height or width. */
export function smallTargets(): string[] {
  return [...document.querySelectorAll('button, summary, input')]
    .filter((element) => element.getClientRects().length > 0)
    .filter((element) => {
      const { width, height } = element.getBoundingClientRect();
      return width < 24 || height < 24;
    })
    .map((element) => element.textContent ?? '');
}

/** Notes in `globalThis.shifts` what moves by itself from now on. */
export function watchShifts(): void {
  const shifts: string[] = [];
  Object.assign(globalThis, { shifts });
  interface Shift {
    sources: { node: Node | null }[];
  }
  const seen = new PerformanceObserver((list) => {
    for (const entry of list.getEntries())
      for (const { node } of (entry as unknown as Shift).sources)
        shifts.push(`${node?.nodeName} ${node?.textContent}`);
  });
  seen.observe({ type: 'layout-shift', buffered: true } as unknown as PerformanceObserverInit);
}
