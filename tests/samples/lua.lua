-- Copyright 2020 X
-- A module.
local M = {}
local json = require("json")

--- Adds.
function M.add(a, b) local function inner() end return a + b end
function M:method(x) end
local function helper() end
function global() end
M.sub = function(a) end
local f = function() end
local t = { run = function() end, x = 1 }
return M
