// Opens the page of `epitome ui` in Chromium. Arguments: its address, a folder for screenshots, the folder with
// playwright-core, and a file to change.
import fs from "node:fs";
import path from "node:path";

import { check, finish, launch } from "./common.mjs";

const [address, shots, modules, file] = process.argv.slice(2);
const browser = await launch(modules);
const page = await (await browser.newContext({ viewport: { width: 1400, height: 900 } })).newPage();
const problems = [];
page.on("pageerror", (error) => problems.push(error.message));
await page.goto(address);
await page.waitForSelector("#rows .row");
check("the token is gone from the address", !page.url().includes("token"));
check("the repository is offered", (await page.locator("#repositories option").count()) === 1);
await page.goto(`${new URL(address).origin}/#${path.basename(file)}`);
await page.waitForSelector(".summary");
fs.writeFileSync(file, '"""Counts sheep until it sleeps."""\n');
await page.waitForFunction(() => document.querySelector(".summary")?.innerText.includes("Counts sheep"), null, { timeout: 20000 });
check("a save is seen without a reload", true);
await page.keyboard.press("a");
await page.waitForSelector(".both");
check("old and new text stand side by side", (await page.locator(".both ins").count()) > 0);
await page.screenshot({ path: path.join(shots, "activity.png") });
check("no errors", problems.length === 0, problems.join(" | "));
await finish(browser);
