// Copyright 2020 X
package shop;

import java.util.List;

/** A cart. */
public class Cart {
  public static final int MAX = 3;

  /// Adds one.
  void add(int item) { /* not documentation */ }
}
