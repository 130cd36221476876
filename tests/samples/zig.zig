// Copyright 2020 X
//! A module.
const std = @import("std");
/// A point.
pub const Point = struct {
    x: u8,
    /// Makes.
    pub fn init(x: u8) Point { const S = struct { fn inner() void {} }; return .{ .x = x }; }
    const Inner = enum { a, fn f() void {} };
};
pub const E = enum(u8) { a, b };
const U = union(enum) { a: u8 };
pub const Err = error{A};
pub const limit: u32 = 10;
var state: u8 = 0;
pub fn top(a: u8) !void {}
extern fn c(x: c_int) void;
test "works" {}
test named {}
