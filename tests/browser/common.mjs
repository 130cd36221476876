// Starts Chromium and counts failed checks, for the scripts of this folder. Exit code 77: skipped.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const skip = (reason) => {
  console.log(`skipped: ${reason}`);
  process.exit(77);
};

export const launch = async (modules) => {
  let chromium;
  try {
    ({ chromium } = createRequire(path.join(modules || process.cwd(), "x.js"))("playwright-core"));
  } catch {
    skip("playwright-core is not installed");
  }
  const programs = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  const executablePath = programs.find((one) => fs.existsSync(one));
  if (!executablePath) {
    skip("Chromium is not installed");
  }
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
};

let failed = 0;

export const check = (name, right, detail = "") => {
  console.log(`${right ? "ok" : "FAILED"} ${name} ${detail}`);
  failed += right ? 0 : 1;
};

export const finish = async (browser) => {
  await browser.close();
  process.exit(failed ? 1 : 0);
};
