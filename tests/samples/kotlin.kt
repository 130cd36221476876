// Copyright 2020 X
package a.b

import java.util.List
import kotlin.io.*

/** A user. */
@Serializable
data class User<T>(val name: String, var age: Int = 0) : Base(), Named {
    /** Runs. */
    override fun run(x: Int): String { fun inner() {}; return "" }
    val full: String get() = name
    companion object { const val MAX = 3; fun make() = User("") }
    constructor(a: Int) : this("", a)
    inner class In
    init { }
}
interface Named {
    fun f(): Int
    val x: Int
}
fun interface Fn {
    fun go(): Int
}
object Single {
    fun one() {}
}
enum class Color(val x: Int) {
    RED(1), BLUE(2);
    fun f() {}
}
sealed interface S
annotation class An
typealias Ids = List<Int>
fun <T> List<T>.ext(x: Int): T = x
suspend fun top() {}
const val LIMIT = 10
val handler = { x: Int -> x }
