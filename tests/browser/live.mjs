// Opens the page of `epitome ui` in Chromium. Arguments: its address, a folder for screenshots, the folder with
// playwright-core, and a file to change.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const [address, shots, modules, file] = process.argv.slice(2);
const { chromium } = createRequire(path.join(modules, "x.js"))("playwright-core");
const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((one) => fs.existsSync(one));
if (!executablePath) {
  console.log("skipped: there is no Chromium");
  process.exit(77);
}
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
let failed = 0;
const check = (name, right, detail = "") => {
  console.log(`${right ? "ok" : "FAILED"} ${name} ${detail}`);
  failed += right ? 0 : 1;
};
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
await browser.close();
process.exit(failed ? 1 : 0);
