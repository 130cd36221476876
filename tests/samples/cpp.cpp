// Copyright 2020 X
#include <a.h>
#define MAX 3
namespace n::m {
/** A mailer. */
template <typename T>
class EXPORT Mailer final : public Base {
public:
  Mailer(int a);
  ~Mailer() = default;
  virtual void send(const T& x) const = 0;
  int get() const { struct hidden { }; return 1; }
  Mailer& operator=(const Mailer&) = delete;
  operator bool() const;
  enum class Kind { A };
  struct In { int x; };
  using Id = int;
  static int count;
  friend void fr(int);
private:
  int a_;
};
enum class E : int { A };
union U { int a; };
struct P { int x; void f(); };
typedef int Num;
using Ids = std::vector<int>;
template <class T> using V = std::vector<T>;
template <class T> concept C = true;
int top(int a) { auto l = []() {}; return a; }
template <typename T> T add(T a, T b) { return a + b; }
void proto(int a);
int* ptr();
int& ref();
std::string n::X::name() const { return ""; }
extern "C" { void cfn(int); }
Mailer::Mailer(int a) : a_(a) {}
bool operator==(const P& a, const P& b) { return true; }
constexpr int limit = 3;
}
namespace { void anon() {} }
inline namespace v1 { }
class Fwd;
