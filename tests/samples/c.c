/* Copyright 2020 X */
#include <stdio.h>

/* A cart. */
struct cart { int items; };

/* Adds one. */
API int add(struct cart *cart, int item) NONNULL;
