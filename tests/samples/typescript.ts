// Copyright 2020 X
import a from "a";

/** A cart. */
export interface Cart<T> extends Base {
  // Adds one.
  add(item: T): void;
}
export type Ids = number[];
