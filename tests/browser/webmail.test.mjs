import assert from 'node:assert/strict';
import path from 'node:path';

import { command, eventually, logIn, newAccount, newDomain, newTenant, sendMail, test, top } from './harness.mjs';

const domain = newDomain(newTenant());
let people = 0;

async function atHome(page) {
    const address = newAccount(domain, `person${++people}`);
    await logIn(page, address);
    await page.waitForURL('**/mail/');
    return address;
}

/** Sends when the MTA has learnt of the account. */
async function deliver(...mail) {
    await eventually(() => {
        try {
            sendMail(...mail);
            return true;
        } catch {
            return false;
        }
    }, 'the account at the MTA', 2000);
}

const HOSTILE = `<p id="text">Readable</p><script>parent.document.title = "owned"</script><img src=x onerror="parent.document.title='owned'">
<a id="link" href="javascript:parent.document.title='owned'">x</a><img src="https://remote.test/pixel.png" alt="Remote picture">
<style>@import url(https://remote.test/x.css); #text{background:url(https://remote.test/y.png)}</style>
<form action="https://remote.test/"><button>Go</button></form><div style="height:900px">tall</div>`.replaceAll('\n', '\r\n');

test('hostile HTML runs nothing, asks nobody, and has a frame of its height', async ({ page }) => {
    const address = await atHome(page);
    const elsewhere = [];
    page.on('request', (request) => request.url().startsWith('https://localhost') || request.url().startsWith('data:') || elsewhere.push(request.url()));
    await deliver('evil@outside.test', address, 'Hostile', HOSTILE, 'MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n');
    await eventually(async () => (await page.goto('/mail/')) && (await page.getByText('Hostile').count()), 'the mail in the list');
    await page.getByText('Hostile').click();
    const frame = page.frameLocator('iframe.mail-frame');
    await frame.getByText('Readable').waitFor();
    assert.equal(await page.title(), 'Hostile · Mansio');
    assert.equal(await frame.locator('script, form, [onerror], a[href]').count(), 0);
    assert.deepEqual(elsewhere, []);
    assert.deepEqual(page.problems, []);
    // A browser that can't give a frame the height of a stranger's document scrolls it.
    const high = (await page.evaluate(() => CSS.supports('frame-sizing: content-block-size'))) ? 900 : 300;
    await eventually(async () => (await page.locator('iframe.mail-frame').boundingBox()).height > high, 'a frame of a height to read in');
    await frame.getByText('Remote picture').waitFor();
});

test('new mail appears by itself', async ({ page }) => {
    const address = await atHome(page);
    await page.getByText('Nothing here').waitFor();
    await deliver('a@outside.test', address, 'While you watched', 'Hello\r\n');
    await eventually(async () => {
        await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange'))).catch((error) => {
            if (!/context was destroyed/.test(error.message)) // the page was being replaced by the new list
                throw error;
        });
        return page.getByText('While you watched').count();
    }, 'the list with the new mail');
    await eventually(async () => (await page.title()).startsWith('(1)'), 'the count in the title');
});

test('keys lead through the list, a message and an answer', async ({ page }) => {
    const address = await atHome(page);
    for (const number of [1, 2, 3])
        await deliver(address, address, `Number ${number}`, `Text of ${number}\r\n`);
    await eventually(async () => (await page.goto('/mail/')) && (await page.locator('.mail-row').count()) === 3, 'three mails');
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    assert.match(await page.locator('.mail-row.current').innerText(), /Number 2/);
    await page.keyboard.press('o');
    await page.getByRole('heading', { name: 'Number 2' }).waitFor();
    await page.keyboard.press('j');
    await page.getByRole('heading', { name: 'Number 1' }).waitFor();
    await page.keyboard.press('r');
    const text = page.getByLabel('Text');
    await text.waitFor();
    assert.equal(await text.evaluate((field) => document.activeElement === field && field.selectionStart), 0);
    await page.keyboard.type('An answer by keys');
    await page.keyboard.press('Control+Enter');
    await page.getByText(`Sent to ${address}.`).waitFor();
    await eventually(async () => (await page.goto('/mail/')) && (await page.getByText('Re: Number 1').count()), 'the answer');
});

test('selecting shows what can be done, and one click archives several', async ({ page }) => {
    const address = await atHome(page);
    for (const number of [1, 2, 3])
        await deliver(address, address, `Number ${number}`, 'x\r\n');
    await eventually(async () => (await page.goto('/mail/')) && (await page.locator('.mail-row').count()) === 3, 'three mails');
    assert.equal(await page.locator('.mail-tools').isVisible(), false);
    await page.locator('.mail-check input').nth(0).check();
    await page.locator('.mail-check input').nth(2).click({ modifiers: ['Shift'] });
    assert.equal(await page.locator('.mail-check input:checked').count(), 3);
    await page.locator('.mail-check input').nth(1).uncheck();
    await page.getByRole('button', { name: 'Archive' }).click();
    await page.getByText('2 messages archived.').waitFor();
    assert.equal(await page.locator('.mail-row').count(), 1);
});

test('files are attached one after the other and arrive', async ({ page }) => {
    const address = await atHome(page);
    await page.goto('/mail/write');
    await page.getByLabel('To', { exact: true }).fill(address);
    await page.getByLabel('Subject').fill('Two files');
    for (const name of ['one.txt', 'two.txt'])
        await page.locator('input[type=file]').setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(`content of ${name}`) });
    assert.equal(await page.locator('[data-files] li').count(), 2);
    await page.getByRole('button', { name: 'Send' }).first().click();
    await page.getByText(`Sent to ${address}.`).waitFor();
    await eventually(async () => (await page.goto('/mail/')) && (await page.getByText('Two files').count()), 'the mail');
    await page.getByText('Two files').click();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: /two\.txt/ }).click()]);
    assert.equal(download.suggestedFilename(), 'two.txt');
});

/** Pictures at the size of a desk and of a pocket, where nothing sticks out. */
async function shoot(page, name) {
    for (const size of [{ width: 1440, height: 900 }, { width: 390, height: 844 }]) {
        await page.setViewportSize(size);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), `${name} sticks out at ${size.width}`);
        await page.screenshot({ path: path.join(top, `build/test-logs/${name}-${size.width}.png`), animations: 'disabled' });
    }
    await page.setViewportSize({ width: 1440, height: 900 });
}

test('an answer is sent under the alias that the mail came to, or under another that is chosen', async ({ page }) => {
    const address = await atHome(page);
    const [sales, desk] = [`sales${people}@${domain}`, `an-information-desk-of-a-long-name${people}@${domain}`];
    await page.goto('/mail/write');
    assert.equal(await page.getByLabel('From').count(), 0);
    command(['alias', 'set', sales, address]);
    command(['account', 'add', desk, '--shared', '--name', 'Information desk']);
    command(['account', 'delegate', 'add', desk, address]);
    await deliver('octavia@outside.test', sales, 'An offer?', 'Please\r\n');
    await eventually(async () => (await page.goto('/mail/')) && (await page.getByText('An offer?').count()), 'the mail');
    await page.getByText('An offer?').click();
    await page.getByRole('heading', { name: 'An offer?' }).waitFor();
    await page.keyboard.press('r');
    const from = page.getByLabel('From');
    await from.waitFor();
    assert.equal(await from.inputValue(), sales);
    assert.equal(await from.locator('option').count(), 3);
    await shoot(page, 'webmail-from');
    await from.selectOption(desk);
    await shoot(page, 'webmail-from-long');
    await page.getByLabel('To', { exact: true }).fill(address);
    await page.getByRole('button', { name: 'Send' }).first().click();
    await page.getByText(`Sent to ${address}.`).waitFor();
    await eventually(async () => (await page.goto('/mail/')) && (await page.getByText('Re: An offer?').count()), 'the answer');
    assert.match(await page.locator('.mail-row').first().innerText(), /Information desk/);
    command(['account', 'send-as', 'add', address, `@${domain}`]);
    await page.goto('/mail/write');
    await page.getByLabel('From').fill(`anybody@${domain}`);
    await shoot(page, 'webmail-from-any');
    assert.deepEqual(page.problems, []);
});

test('what was deleted for good is recovered from the trash', async ({ page }) => {
    const address = await atHome(page);
    for (const number of [1, 2])
        await deliver('octavia@outside.test', address, `A subject that is rather long and goes on for a while, number ${number}`, 'x\r\n');
    await eventually(async () => (await page.goto('/mail/')) && (await page.locator('.mail-row').count()) === 2, 'two mails');
    page.on('dialog', (dialog) => dialog.accept());
    for (const place of ['/mail/', '/mail/folder/Trash']) {
        await page.goto(place);
        await page.locator('.mail-check input').nth(0).check();
        await page.locator('.mail-check input').nth(1).check();
        await page.getByRole('button', { name: place === '/mail/' ? 'Move to the trash' : 'Delete for good' }).click();
        await page.getByText(/2 messages/).waitFor();
    }
    await page.goto('/mail/folder/Trash');
    await shoot(page, 'webmail-trash');
    await page.getByRole('link', { name: 'Recover deleted mail' }).click();
    await shoot(page, 'webmail-removed');
    await page.getByLabel(/number 2/).check();
    await page.getByRole('button', { name: 'Bring the chosen ones back' }).click();
    await page.getByText('1 message was brought back.').waitFor();
    assert.equal(await page.getByRole('checkbox').count(), 1);
    await page.goto('/mail/folder/Trash');
    assert.match(await page.locator('.mail-row').innerText(), /number 2/);
    await page.goto('/mail/folders');
    await page.getByRole('link', { name: 'Recover deleted mail' }).waitFor();
    await shoot(page, 'webmail-folders');
    assert.deepEqual(page.problems, []);
});
