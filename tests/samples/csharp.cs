// Copyright 2020 X
using System;
using System.Collections.Generic;
using X = Y.Z;

namespace A.B
{
    /// <summary>A user.</summary>
    [Serializable]
    public sealed class User<T> : Base, INamed where T : class
    {
        private const int Limit = 3;
        public string Name { get; set; }
        public event EventHandler Changed;
        /// <summary>Makes.</summary>
        public User(int a) : base(a) { void Inner() {} }
        ~User() {}
        public async Task<int> Run(int x) => 1;
        public static User operator +(User a, User b) => a;
        public int this[int i] => i;
        enum Kind { A }
        struct P { int x; }
        delegate void D(int x);
    }
    public interface INamed { int F(); string X { get; } }
    public record Rec(int A);
    public record struct RS(int A) { public int G() => 1; }
    public enum E { A = 1 }
}
