/** A Markdown table whose columns line up in a terminal. The first column is text, the others are numbers (to the right). */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(3, title.length, ...rows.map((row) => (row[i] ?? '').length)));
  const line = (cells: readonly string[]): string => `| ${widths.map((width, i) => pad(cells[i] ?? '', width, i)).join(' | ')} |`;
  const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

function pad(text: string, width: number, column: number): string {
  return column === 0 ? text.padEnd(width) : text.padStart(width);
}

/** With about three digits, thousands apart: 61,200; 12.4; 0.83; a dash for what is not known. */
export function figure(number: number | undefined): string {
  if (number === undefined || Number.isNaN(number)) return '-';
  const size = Math.abs(number);
  const round = size >= 1000 ? Number(number.toPrecision(3)) : number;
  return round.toLocaleString('en-US', { maximumFractionDigits: size >= 100 ? 0 : size >= 10 ? 1 : 2, minimumFractionDigits: 0 });
}
