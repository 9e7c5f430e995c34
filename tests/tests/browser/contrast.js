// The body of a function: which texts of the page are fainter than WCAG 2.2 asks for (1.4.3): 4.5 to 1,
// or 3 to 1 where they are large. Runs in the page.

const numbers = (color) => {
  const [r, g, b, a = 1] = color.match(/[\d.]+/g).map(Number);
  return [r, g, b, a];
};
const over = ([r, g, b, a], below) => [r, g, b].map((c, i) => c * a + below[i] * (1 - a));
const luminance = (color) => {
  const [r, g, b] = color.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ratio = (one, two) => {
  const [dark, light] = [luminance(one), luminance(two)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
};

/** Everything that may be behind an element's text: the stops of a gradient are several. */
const behind = (node) => {
  if (!node) return [[255, 255, 255]];
  const style = getComputedStyle(node);
  const stops = style.backgroundImage.match(/rgba?\([^)]*\)/g);
  if (stops) return stops.flatMap((stop) => behind(node.parentElement).map((below) => over(numbers(stop), below)));
  const own = numbers(style.backgroundColor);
  return own[3] === 1 ? [own.slice(0, 3)] : behind(node.parentElement).map((below) => over(own, below));
};

const texts = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode.parentElement;
  if (walker.currentNode.data.trim() && node.checkVisibility()) texts.push([walker.currentNode.data.trim(), node]);
}
for (const node of document.querySelectorAll('input:not([type=radio], [type=checkbox])')) {
  if (node.value) texts.push([node.value, node]);
  if (node.placeholder) texts.push([node.placeholder, node, '::placeholder']);
}
for (const node of document.querySelectorAll('#tour a')) texts.push(['number', node, '::before']);

const faint = [];
for (const [text, node, pseudo] of texts) {
  const style = getComputedStyle(node, pseudo);
  const size = parseFloat(style.fontSize);
  const enough = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
  const own = pseudo === '::before' ? [numbers(style.backgroundColor).slice(0, 3)] : behind(node);
  for (const back of own) {
    const found = ratio(over(numbers(style.color), back), back);
    if (found < enough || Number(style.opacity) < 1) faint.push(`${found.toFixed(2)}: ${text}`);
  }
}
return { texts: texts.length, faint };
