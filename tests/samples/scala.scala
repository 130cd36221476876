// Copyright 2020 X
package a.b
import scala.collection.mutable.{Map, Set => S}
import x._

/** A user. */
@deprecated
case class User[T](name: String, age: Int = 0) extends Base with Named {
  /** Runs. */
  def run(x: Int): String = { def inner() = 1; "" }
  val full = name
  type Id = Int
}
trait Named { def f: Int }
object Single extends App { def one() = 1; val MAX = 3 }
abstract class B
enum Color { case Red, Blue }
type Ids = List[Int]
given ord: Ordering[Int] = ???
extension (x: Int) def twice: Int = x * 2
def top(x: Int): Int = x
