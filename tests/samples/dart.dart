// Copyright 2020 X
import 'dart:io';
import 'package:a/b.dart' as c;
export 'x.dart';
part 'y.dart';

/// A user.
@immutable
class User<T> extends Base with M implements N {
  final String name;
  /// Makes.
  User(this.name);
  User.named(this.name) : super() { void inner() {} }
  factory User.of() => User('');
  String run(int x) { return ''; }
  static void make() {}
  String get full => name;
  set full(String x) {}
  bool operator ==(Object o) => true;
  abstract int y;
}
abstract class N { void f(); }
mixin M on Base { void m() {} }
extension E on String { int len() => 1; }
enum Color { red, blue; void f() {} }
typedef Fn = void Function(int);
int top(int a) => a;
const limit = 3;
int get g => 1;
extension type Id(int x) {}
