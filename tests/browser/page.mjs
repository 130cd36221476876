// Opens an exported page in Chromium and uses it as a person does. Arguments: the page's address, and a folder for
// screenshots (optional). Prints a line for each check; exit code 1 if one fails, 77 if no browser can be started.
import path from "node:path";

import { check, finish, launch } from "./common.mjs";

const [address, shots, modules] = process.argv.slice(2);
const browser = await launch(modules);
const shot = async (page, name) => shots && page.screenshot({ path: path.join(shots, `${name}.png`) });

const open = async (options) => {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, ...options });
  const page = await context.newPage();
  page.problems = [];
  page.requests = [];
  page.on("pageerror", (error) => page.problems.push(error.message));
  page.on("console", (message) => message.type() === "error" && page.problems.push(message.text()));
  page.on("request", (request) => !request.url().startsWith(address.split("#")[0]) && page.requests.push(request.url()));
  page.on("dialog", (dialog) => { page.problems.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  await page.goto(address);
  await page.waitForFunction(() => document.documentElement.dataset.ready, null, { timeout: 20000 });
  return page;
};

const page = await open({ colorScheme: "light" });
const ready = Number(await page.evaluate(() => document.documentElement.dataset.ready));
check("the page is usable", ready > 0, `after ${ready} ms`);
check("only the visible rows exist", (await page.locator("#rows .row").count()) <= 80);
check("folders come first", (await page.locator("#rows .row .name").first().getAttribute("class")).includes("folder"));
await shot(page, "root-light");

// Search as one types.
await page.keyboard.press("/");
await page.keyboard.type("cart");
await page.waitForSelector(".hit");
check("a search finds the file", (await page.locator(".hit").first().innerText()).includes("cart"));
const took = Number(await page.locator("#count").getAttribute("data-ms"));
check("a search is fast", took < 100, `${took} ms`);
await shot(page, "search");
await page.keyboard.press("Enter");
await page.waitForSelector("h1");
check("Enter opens the hit", (await page.locator("h1").innerText()).includes("cart"));
check("the address names the file", page.url().includes("cart.py"));
check("definitions are nested", (await page.locator(".outline details .inner .def").count()) > 0);
check("documentation stands beside them", (await page.locator(".def .doc").count()) > 0);
await shot(page, "file");
const folds = page.locator(".outline details").first();
await folds.locator("summary").first().click({ position: { x: 3, y: 8 } });
check("a class folds", (await folds.getAttribute("open")) === null);
await page.locator(".crumbs a").last().click();
await page.waitForFunction(() => document.querySelector("h1").innerText.endsWith("/"));
check("breadcrumbs lead up", (await page.locator("main table tr").count()) > 0);

// Keyboard in the tree.
await page.locator("#tree").focus();
const here = () => page.locator(".row.here .name").innerText();
// An address changes the page only after an event.
const until = (condition, value) => page.waitForFunction(condition, value, { timeout: 5000 }).then(() => true, () => false);
await page.keyboard.press("Home");
await until(() => document.querySelector("#rows .row").classList.contains("here"));
const first = await here();
await page.keyboard.press("ArrowDown");
check("arrow keys move in the tree", await until((name) => document.querySelector(".row.here .name")?.innerText !== name, first));
await page.keyboard.press("Home");
await until(() => document.querySelector("#rows .row").classList.contains("here"));
await page.keyboard.press("ArrowRight");
const rows = await page.locator("#rows .row").count();
await page.keyboard.press("ArrowLeft");
check("arrow keys fold the tree", await until((many) => document.querySelectorAll("#rows .row").length < many, rows));

// The treemap.
await page.keyboard.press("t");
await page.waitForSelector("#treemap div");
check("the treemap has tiles", (await page.locator("#treemap div").count()) > 5);
await shot(page, "treemap");
await page.getByRole("button", { name: "age", exact: true }).click();
check("the treemap shows the age", (await page.locator(".legend").innerText()).includes("today"));
await page.locator("#treemap div:not(.folder)").first().click();
await page.waitForFunction(() => !location.hash.startsWith("#!treemap"));
check("a tile leads to its file", !page.url().includes("!treemap"));

// Hostile names and texts are inert.
check("no script of the repository ran", await page.evaluate(() => window.hacked === undefined));
await page.keyboard.press("Control+k");
await page.keyboard.type("<img");
await page.waitForTimeout(50);
check("hostile text is text", (await page.locator("main img, main script").count()) === 0 && (await page.locator(".hit").count()) > 0);
check("nothing was requested", page.requests.length === 0, page.requests.join(" "));
check("no errors", page.problems.length === 0, page.problems.join(" | "));

// Dark, a deep link, and a phone.
const dark = await open({ colorScheme: "dark" });
await dark.goto(`${address}#src/shop/cart.py@4`);
await dark.waitForSelector(".def.target");
check("a deep link marks the line", (await dark.locator(".def.target").innerText()).includes("class Cart"));
check("dark follows the system", await dark.evaluate(() => getComputedStyle(document.body).backgroundColor === "rgb(15, 20, 25)"));
await shot(dark, "file-dark");
const phone = await open({ viewport: { width: 390, height: 800 } });
await shot(phone, "phone");
check("no sideways scrolling on a phone", await phone.evaluate(() => document.documentElement.scrollWidth <= 390 && document.querySelector("main").scrollWidth <= 390));
await phone.locator("#query").fill("cart");
await phone.waitForSelector(".hit");
await shot(phone, "phone-search");

// Without scripts the first levels are there.
const plain = await browser.newContext({ javaScriptEnabled: false });
const bare = await plain.newPage();
await bare.goto(address);
check("without scripts there is a list", (await bare.content()).includes("src/shop: "));
await finish(browser);
