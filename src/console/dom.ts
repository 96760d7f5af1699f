type Child = Node | string | number | undefined | false;
type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

const SVG = 'http://www.w3.org/2000/svg';

function apply(node: Element, attributes: Attributes, children: readonly Child[]): void {
  for (const [name, value] of Object.entries(attributes)) {
    // Neither is let through by the page's Content-Security-Policy; found here it is found sooner.
    if (name === 'style' || name.startsWith('on')) throw new Error(`no ${name} in markup`);
    if (value !== undefined && value !== false) node.setAttribute(name, value === true ? '' : String(value));
  }
  append(node, children);
}

function append(node: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (child === undefined || child === false) continue;
    // The only way for a text into the page: as a text node, whatever it holds.
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

export function el<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: readonly Child[]): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  apply(node, attributes, children);
  return node;
}

export function svg<K extends keyof SVGElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: readonly Child[]): SVGElementTagNameMap[K] {
  const node = document.createElementNS(SVG, tag);
  apply(node, attributes, children);
  return node;
}

/** Touches the page only where something differs: most of what is drawn each second is as before. */
export function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

export function setClass(node: Element, name: string): void {
  if (node.getAttribute('class') !== name) node.setAttribute('class', name);
}

export function setAttribute(node: Element, name: string, value: string | undefined): void {
  if (value === undefined) node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

export function fill(node: Element, ...children: readonly Child[]): void {
  node.replaceChildren();
  append(node, children);
}

export function button(label: string, onClick: () => unknown, kind = ''): HTMLButtonElement {
  const node = el('button', { type: 'button', class: kind === '' ? undefined : kind }, label);
  node.addEventListener('click', () => void onClick());
  return node;
}

export function link(href: string, ...children: readonly Child[]): HTMLAnchorElement {
  return el('a', { href }, ...children);
}

/** A control under its label. */
export function field(label: string, control: HTMLElement, kind = ''): HTMLLabelElement {
  return el('label', { class: `field ${kind}`.trim() }, el('span', {}, label), control);
}

export function select(options: readonly (readonly [value: string, label: string])[], value: string): HTMLSelectElement {
  const node = el('select', {}, ...options.map(([each, label]) => el('option', { value: each }, label)));
  node.value = value;
  return node;
}

/** Names and what they are, as a description list. */
export function facts(pairs: readonly (readonly [name: string, value: Child])[]): HTMLDListElement {
  const known = pairs.filter(([, value]) => value !== undefined && value !== '');
  return el('dl', { class: 'facts' }, ...known.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))));
}

/** Time that our own code took for one update, for whoever looks (`PerformanceObserver`); nothing is kept. */
export function timed<T>(name: string, work: () => T): T {
  const start = performance.now();
  try {
    return work();
  } finally {
    performance.measure(name, { start });
    performance.clearMeasures(name);
  }
}
