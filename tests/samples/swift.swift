// Copyright 2020 X
//  a.swift
import Foundation

/// A user.
@MainActor
public final class User<T>: Base, Named where T: Eq {
    var name: String = ""
    /// Makes.
    init(name: String) { func inner() {} }
    deinit {}
    func run(_ x: Int) -> String { "" }
    static func make() {}
    subscript(i: Int) -> Int { i }
    enum Kind: String {
        case a, b(Int)
        func f() {}
    }
}
struct P { let x: Int }
protocol Named {
    associatedtype T
    func f() -> Int
    init()
}
extension User { func ext() {} }
actor A { func go() {} }
typealias Ids = [Int]
func top(a: Int) async throws -> Int { 1 }
let limit = 3
enum E { case x }
macro m() = #externalMacro(module: "", type: "")
