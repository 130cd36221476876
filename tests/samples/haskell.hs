-- Copyright 2020 X
{-# LANGUAGE X #-}
-- | A module.
module A.B (f) where
import Data.List (sort)
import qualified Data.Map as M
-- | A user.
data User = User { name :: String } | Other deriving Show
newtype Id = Id Int
type Ids = [Id]
class Named a where
  named :: a -> String
  other :: a
instance Named User where
  named x = ""
-- | Does.
f :: Int -> Int
f 0 = 1
f x = g x where g y = y
h = 1
