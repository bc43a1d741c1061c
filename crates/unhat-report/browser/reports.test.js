// The reports in a real browser: what only a browser can say of them.
//
// CHROMIUM names the browser, else it is looked for as `chromium`; the pages are written by the example of the crate.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import puppeteer from 'puppeteer-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const DESKTOP = { width: 1100, height: 900 };
const PHONE = { width: 390, height: 844 };
const PAGES = ['audit', 'share', 'inversion', 'scores', 'training', 'study', 'check', 'trim',
  'diagnosis', 'many-rows', 'outputs', 'weights', 'fit-audit'];

let browser;
let folder;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'unhat-report-'));
  // With the whole workspace, whose features are then those of the other tests: nothing is compiled twice.
  execFileSync('cargo', ['build', '--quiet', '--locked', '--workspace', '--example', 'pages'], { stdio: 'inherit' });
  const metadata = execFileSync('cargo', ['metadata', '--no-deps', '--format-version', '1'], { encoding: 'utf8', maxBuffer: 1 << 26 });
  execFileSync(join(JSON.parse(metadata).target_directory, 'debug', 'examples', 'pages'), [folder], { stdio: 'inherit' });
  const executablePath = process.env.CHROMIUM || execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim();
  browser = await puppeteer.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
});

after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Opens a report, and afterwards holds that it said nothing, asked for nothing and showed no dialog. */
async function withPage(name, options, look) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  const troubles = [];
  page.on('console', message => troubles.push('console: ' + message.text()));
  page.on('pageerror', error => troubles.push('error: ' + error.message));
  page.on('dialog', dialog => {
    troubles.push('dialog: ' + dialog.message());
    dialog.dismiss();
  });
  const address = pathToFileURL(join(folder, name + '.html')).href;
  page.on('request', request => {
    const own = request.url() === address || request.url().startsWith('blob:');
    if (!own) troubles.push('request: ' + request.url());
  });
  try {
    await page.setViewport(options.size ?? DESKTOP);
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: options.dark ? 'dark' : 'light' }]);
    await page.setJavaScriptEnabled(options.script ?? true);
    await page.goto(address);
    await look(page);
    assert.deepEqual(troubles, []);
  } finally {
    await context.close();
  }
}

/** The charts that are shown: how many, and the least width and height of one and of its marks. */
const drawn = page => page.evaluate(() => {
  const shown = [...document.querySelectorAll('svg.chart')].filter(svg => svg.getBoundingClientRect().width > 0);
  const sizes = shown.map(svg => {
    const marks = [...svg.querySelectorAll('.mark, .bar, .dots, .cells')].map(mark => mark.getBoundingClientRect());
    return { height: svg.getBoundingClientRect().height, marks: marks.length, placed: marks.every(box => box.x > 0 && box.y !== 0) };
  });
  return { count: shown.length, sizes };
});

const CHARTS = { audit: 7, share: 7, inversion: 2, scores: 2, training: 1, study: 2, check: 1, trim: 3,
  diagnosis: 8, 'many-rows': 6, outputs: 2, weights: 1, 'fit-audit': 1 };
const colour = page => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

for (const name of PAGES) {
  test(`${name}: every chart is drawn, on a screen, a phone, and without script`, async () => {
    for (const options of [{}, { size: PHONE }, { script: false }, { script: false, size: PHONE, dark: true }]) {
      await withPage(name, options, async page => {
        const { count, sizes } = await drawn(page);
        assert.equal(count, CHARTS[name]);
        for (const { height, marks, placed } of sizes) assert.ok(height > 80 && marks > 0 && placed);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(wide <= 0, `the page is ${wide} px too wide`);
        assert.equal(await page.evaluate(() => document.querySelectorAll('script').length), 2);
      });
    }
  });

  test(`${name}: no text of a chart is cut off or covers another`, async () => {
    for (const size of [DESKTOP, PHONE]) {
      await withPage(name, { size }, async page => {
        const faults = await page.evaluate(() => [...document.querySelectorAll('svg.chart')].flatMap(svg => {
          const frame = svg.getBoundingClientRect();
          if (!frame.width) return [];
          const texts = [...svg.querySelectorAll('text')].map(text => ({ text: text.textContent, box: text.getBoundingClientRect(), size: parseFloat(getComputedStyle(text).fontSize) * frame.width / svg.viewBox.baseVal.width }));
          const outside = texts.filter(({ box }) => box.left < -1 || box.right > innerWidth + 1 || box.top < frame.top - 3 || box.bottom > frame.bottom + 3);
          const small = texts.filter(({ size }) => size < 10.5);
          const covered = texts.flatMap((a, index) => texts.slice(index + 1).filter(b =>
            a.box.left < b.box.right - 1 && b.box.left < a.box.right - 1 && a.box.top < b.box.bottom - 4 && b.box.top < a.box.bottom - 4).map(b => `"${a.text}" on "${b.text}"`));
          return [...outside.map(({ text }) => 'outside: ' + text), ...small.map(({ text }) => 'small: ' + text), ...covered];
        }));
        assert.deepEqual(faults, []);
      });
    }
  });

  // The page to share is the audit's without some columns.
  test(`${name}: axe-core finds no fault, with everything open`, { skip: name === 'share' }, async () => {
    await withPage(name, {}, async page => {
      await page.evaluate(() => {
        for (const details of document.querySelectorAll('details')) details.open = true;
        // The rows of a table are alike: twenty are enough for it to scroll.
        for (const row of document.querySelectorAll('tbody tr:nth-child(n + 21)')) row.remove();
      });
      // The page's policy forbids it to evaluate anything, so the checker comes in from outside.
      await (await page.createCDPSession()).send('Runtime.evaluate', { expression: AXE });
      for (const size of [DESKTOP, PHONE]) {
        await page.setViewport(size);
        for (const value of ['light', 'dark']) {
          await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
          await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
          const { violations } = await page.evaluate(() => axe.run({ resultTypes: ['violations'] }));
          const faults = violations.map(({ id, nodes }) => `${value}, ${size.width} px: ${id}: ${nodes[0].html}`);
          assert.deepEqual(faults, []);
        }
      }
    });
  });

  test(`${name}: paper is light, has pages, and shows the charts`, async () => {
    await withPage(name, { dark: true }, async page => {
      const screen = await colour(page);
      const pdf = Buffer.from(await page.pdf({ preferCSSPageSize: true, printBackground: true }));
      const pages = Math.max(...[...pdf.toString('latin1').matchAll(/\/Count (\d+)/g)].map(match => +match[1]));
      assert.ok(pages >= 1 && pages <= 12, `${pages} pages`);
      await page.emulateMediaType('print');
      assert.notEqual(await colour(page), screen);
      assert.equal(await colour(page), 'rgb(255, 255, 255)');
      assert.equal((await drawn(page)).count, CHARTS[name]);
    });
  });
}

test('a pointer over a mark reads its row of the table', async () => {
  await withPage('audit', {}, async page => {
    const mark = await page.evaluate(() => {
      const figure = document.querySelector('#noise');
      figure.scrollIntoView({ behavior: 'instant' });
      const box = figure.querySelector('.wide .mark.a[data-r="20"]').getBoundingClientRect();
      const cell = figure.querySelector('tr[data-r="20"]').cells[2].textContent;
      return { x: box.x + box.width / 2, y: box.y + box.height / 2, cell };
    });
    await page.mouse.move(mark.x, mark.y);
    const tip = await page.evaluate(() => ({ hidden: document.querySelector('.tip').hidden, text: document.querySelector('.tip').textContent }));
    assert.equal(tip.hidden, false);
    assert.ok(tip.text.includes(mark.cell), `${tip.text} has ${mark.cell}`);
    await page.mouse.move(5, 5);
    assert.equal(await page.evaluate(() => document.querySelector('.tip').hidden), true);
  });
});

test('keys read marks aloud, zoom and come back', async () => {
  await withPage('audit', {}, async page => {
    const spoken = () => page.evaluate(() => document.querySelector('.spoken').textContent);
    const transform = () => page.evaluate(() => document.querySelector('#fit .wide .plot').getAttribute('transform'));
    const ticks = () => page.evaluate(() => document.querySelector('#fit .wide .axis-x').textContent);
    await page.evaluate(() => document.querySelector('#fit svg.wide').focus());
    await page.keyboard.press('Home');
    const first = await spoken();
    await page.keyboard.press('ArrowRight');
    const second = await spoken();
    await page.keyboard.press('End');
    const last = await spoken();
    assert.equal(new Set([first, second, last]).size, 3);
    assert.match(first, /hat value h: /);
    const home = await ticks();
    await page.keyboard.press('+');
    await page.keyboard.press('+');
    assert.match(await transform(), /^matrix\(1\.9/);
    assert.notEqual(await ticks(), home);
    assert.equal(await page.evaluate(() => document.querySelector('#fit .reset').hidden), false);
    await page.keyboard.press('Escape');
    assert.equal(await transform(), 'matrix(1 0 0 1 0 0)');
    assert.equal(await ticks(), home);
  });
});

test('a dragged rectangle fills the chart', async () => {
  await withPage('audit', {}, async page => {
    const box = await page.evaluate(() => {
      document.querySelector('#noise').scrollIntoView({ behavior: 'instant' });
      const { x, y, width, height } = document.querySelector('#noise svg.wide').getBoundingClientRect();
      return { x, y, width, height };
    });
    await page.mouse.move(box.x + 0.3 * box.width, box.y + 0.3 * box.height);
    await page.mouse.down();
    await page.mouse.move(box.x + 0.5 * box.width, box.y + 0.6 * box.height, { steps: 3 });
    await page.mouse.up();
    const [x, , , y] = (await page.evaluate(() => document.querySelector('#noise .wide .plot').getAttribute('transform'))).match(/[\d.]+/g).map(Number);
    assert.ok(x > 3 && x < 5 && y > 2 && y < 4, `${x} and ${y}`);
    await page.click('#noise .reset');
    assert.match(await page.evaluate(() => document.querySelector('#noise .wide .plot').getAttribute('transform')), /^matrix\(1 0 0 1/);
  });
});

test('a column sorts by its numbers, both ways', async () => {
  await withPage('audit', {}, async page => {
    const column = () => page.evaluate(() => [...document.querySelectorAll('#exposed-rows tbody tr')].map(row => +(row.cells[7].dataset.v ?? row.cells[7].textContent)));
    await page.evaluate(() => document.querySelectorAll('details').forEach(details => (details.open = true)));
    const click = () => page.evaluate(() => document.querySelectorAll('#exposed-rows thead button')[7].click());
    await click();
    const down = await column();
    assert.deepEqual(down, [...down].sort((a, b) => b - a));
    await click();
    assert.deepEqual(await column(), [...down].sort((a, b) => a - b));
    assert.equal(await page.evaluate(() => document.querySelectorAll('#exposed-rows thead th')[7].getAttribute('aria-sort')), 'ascending');
  });
});

test('an exported table is what was shown, and no cell of it is a formula', async () => {
  await withPage('audit', {}, async page => {
    const text = await page.evaluate(async () => {
      const rows = document.querySelectorAll('#coefficients tbody tr');
      rows[0].cells[0].textContent = '=HYPERLINK("a", 1)';
      rows[1].cells[0].textContent = '-1';
      let blob;
      URL.createObjectURL = given => ((blob = given), '#');
      document.querySelector('#coefficients').closest('details').open = true;
      document.querySelector('#coefficients').closest('.frame').previousElementSibling.querySelector('button').click();
      return blob.text();
    });
    const lines = text.replace('\ufeff', '').split('\r\n');
    assert.equal(lines.length, 9);
    assert.ok(lines[0].startsWith('coefficient,"relative error, median",'), lines[0]);
    assert.ok(lines[1].startsWith('"\'=HYPERLINK(""a"", 1)",'), lines[1]);
    assert.ok(lines[2].startsWith('-1,'), lines[2]);
    const value = Number(lines[3].split(',')[5]);
    assert.ok(Number.isFinite(value) && value !== 0, lines[3]);
  });
});

test('the button changes the colours, whatever the system wishes', async () => {
  for (const dark of [false, true]) {
    await withPage('scores', { dark }, async page => {
      const before = await colour(page);
      await page.click('#theme');
      const changed = await colour(page);
      assert.notEqual(changed, before);
      await page.click('#theme');
      assert.equal(await colour(page), before);
    });
  }
});

test('a figure of rows reads its flagged rows, and its shading stays with them when it is zoomed', async () => {
  await withPage('many-rows', {}, async page => {
    const spoken = () => page.evaluate(() => document.querySelector('.spoken').textContent);
    const first = await page.evaluate(() => document.querySelector('#fig-leverage tbody tr').cells[0].textContent);
    const place = () => page.evaluate(() => {
      const box = selector => document.querySelector('#fig-leverage .wide ' + selector).getBoundingClientRect();
      return box('.cells').width / box('.plot').width;
    });
    const share = await place();
    await page.evaluate(() => document.querySelector('#fig-leverage svg.wide').focus());
    await page.keyboard.press('Home');
    assert.ok((await spoken()).startsWith(first), await spoken());
    await page.keyboard.press('+');
    assert.ok(Math.abs((await place()) - share) < 0.02);
    assert.notEqual(await page.evaluate(() => document.querySelector('#fig-leverage .wide .plot').getAttribute('transform')), 'matrix(1 0 0 1 0 0)');
  });
});

test('the slider reads the curve between its points', async () => {
  await withPage('audit', {}, async page => {
    const answer = async value => page.evaluate(value => {
      const input = document.querySelector('#wish');
      input.value = value;
      input.dispatchEvent(new Event('input'));
      return document.querySelector('#wish-form output').textContent.replace(/\u00a0/g, ' ');
    }, value);
    const sides = 'an attacker who knows on which side of the fit every row lies';
    assert.match(await answer('-1'), new RegExp(`${sides} above 10 % .* more than 178 % of the scores’ rms`));
    // With the signs known the 5 % point is 6.423e-5 at a noise of 31.62 % and 1.368e-4 at 56.23 %; without, less is needed.
    const part = Math.log(1e-4 / 6.423e-5) / Math.log(1.368e-4 / 6.423e-5);
    const noise = 31.62 * (56.23 / 31.62) ** part;
    assert.match(await answer('-4'), new RegExp(`${sides} above .* about ${noise.toPrecision(2)} %`));
  });
});

test('the filter hides rows, and a table that scrolls can be reached by keys', async () => {
  await withPage('audit', {}, async page => {
    await page.evaluate(() => (document.querySelector('#rows details').open = true));
    await page.type('#rows input[type=search]', '2378');
    const left = await page.evaluate(() => [...document.querySelectorAll('#exposed-rows tbody tr')].filter(row => !row.hidden).map(row => row.cells[0].textContent));
    assert.deepEqual(left, ['2378']);
    await page.evaluate(() => (document.querySelector('#rows input').value = ''));
    await page.evaluate(() => document.querySelector('#rows input').dispatchEvent(new Event('input')));
    await page.waitForFunction(() => document.querySelector('#rows .frame').tabIndex === 0);
  });
});
