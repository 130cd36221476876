// Copyright 2020 X

// Package shop sells things.
package shop

import "fmt"

// Cart is a cart.
type Cart struct{ items int }

// Add adds one.
func (c *Cart) Add(item int) { /* not documentation */ }
