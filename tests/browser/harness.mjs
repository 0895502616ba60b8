// What the browser tests share: the running instance, a browser, mail over SMTP, the command line.
//
//     import { mansio, test } from './harness.mjs';
//
//     test('a reseller sees their domains', async ({ page }) => {
//         await page.goto('/');
//
// Each test gets a page of its own with empty cookies. tests/run starts the instance and names it in MANSIO_TEST_VAR.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { after, before, test as nodeTest } from 'node:test';
import { fileURLToPath } from 'node:url';

export const top = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
// npm packages are installed below build/, so that nothing is left in the source tree.
const { chromium } = createRequire(path.join(top, 'build/browser/'))('playwright-core');

const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'];
const PATIENCE = 15000; // ms

const variable = process.env.MANSIO_TEST_VAR;
if (!variable)
    throw new Error('MANSIO_TEST_VAR is not set: tests/run browser does it, or name the folder of a running instance');

export const mansio = JSON.parse(fs.readFileSync(path.join(variable, 'endpoints.json'), 'utf8'));
mansio.url = `https://localhost:${mansio.https}`;

let browser;
let home;
const open = new Set();

before(async () => {
    home = fs.mkdtempSync(path.join(os.tmpdir(), 'mansio-browser-'));
    browser = await chromium.launch({
        executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
        args: FLAGS,
        env: { ...process.env, HOME: home },
    });
});

after(async () => {
    await browser?.close();
    fs.rmSync(home, { recursive: true, force: true });
});

/** A browser context of its own: options as in Playwright's newContext. Console errors and page errors are collected. */
export async function newPage(options = {}) {
    const context = await browser.newContext({ baseURL: mansio.url, ignoreHTTPSErrors: true, ...options });
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage();
    open.add(page);
    page.on('close', () => open.delete(page));
    page.problems = [];
    page.on('console', (message) => message.type() === 'error' && page.problems.push(message.text()));
    page.on('pageerror', (error) => page.problems.push(String(error)));
    return page;
}

/** node:test's test with a page; a failing one leaves a screenshot of each page in build/test-logs. */
export function test(name, options, body = options) {
    nodeTest(name, body === options ? {} : options, async (t) => {
        const page = await newPage();
        try {
            await body({ page, t });
        } catch (error) {
            let number = 0;
            for (const one of open) {
                number += 1;
                const file = path.join(top, 'build/test-logs', `browser-${name.replace(/[^a-z0-9]+/gi, '-').slice(0, 60)}-${number}.png`);
                await one.screenshot({ path: file, fullPage: true }).catch(() => {});
                console.log(`at ${one.url()}; ${one.problems.join('; ')}; screenshot in ${path.relative(top, file)}`);
            }
            throw error;
        } finally {
            await Promise.all([...open].map((one) => one.context().close()));
        }
    });
}

/** Runs `mansio ARGS`; its standard output. */
export function command(args, stdin = '') {
    const done = spawnSync(mansio.cli, args, { input: stdin, encoding: 'utf8' });
    assert.equal(done.status, 0, `mansio ${args.join(' ')}: ${done.stderr}`);
    return done.stdout;
}

let number = 0;
/** A name that no other test uses. */
export function unique(prefix) {
    number += 1;
    return `${prefix}${process.pid}x${number}`;
}

export const PASSWORD = 'correct horse battery staple';

export function newTenant() {
    const name = unique('Tenant ');
    command(['tenant', 'add', name]);
    return name;
}

export function newOperator(role, tenant) {
    const login = unique(role);
    command(['operator', 'add', login, '--role', role, ...(tenant ? ['--tenant', tenant] : []), '--password-stdin'], `${PASSWORD}\n`);
    return login;
}

export function newDomain(tenant) {
    const name = `${unique('b')}.example`;
    command(['domain', 'add', name, '--tenant', tenant]);
    return name;
}

export function newAccount(domain, local) {
    const address = `${local}@${domain}`;
    command(['account', 'add', address, '--name', `Person ${local}`, '--password-stdin'], `${PASSWORD}\n`);
    return address;
}

/** Sends a message over the relay port, as the world does, with curl. */
export function sendMail(from, to, subject, body, headers = '') {
    const text = `From: ${from}\r\nTo: ${to}\r\nSubject: ${subject}\r\nDate: ${new Date().toUTCString()}\r\n` +
        `Message-ID: <${unique('m')}.${Date.now()}@sender.test>\r\n${headers}\r\n${body}\r\n`;
    execFileSync('curl', ['-sS', '--url', `smtp://${mansio.host}:${mansio.smtp}/client.test`, '--mail-from', from, '--mail-rcpt', to,
        '--upload-file', '-'], { input: text });
}

/** What the nameserver answers: dig +short's lines. */
export function dig(name, type) {
    const argv = [`@${mansio.host}`, '-p', String(mansio.dns), '+short', '+tries=1', '+time=2', name, type];
    return execFileSync('dig', argv, { encoding: 'utf8' }).split('\n').filter(Boolean);
}

/** Waits until check() is truthy, and gives that back. */
export async function eventually(check, what, milliseconds = PATIENCE) {
    const deadline = Date.now() + milliseconds;
    for (;;) {
        const result = await check();
        if (result)
            return result;
        assert.ok(Date.now() < deadline, `${what} did not happen within ${milliseconds} ms`);
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}

export async function logIn(page, login, password = PASSWORD) {
    await page.goto('/login');
    await page.getByLabel('Login or mail address').fill(login);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Log in' }).click();
}
