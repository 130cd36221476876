// Copyright 2020 X
import a from "a";

/** A cart. */
export class Cart extends Base {
  // Adds one.
  add(item) {}
}
export default { run() {} };
