#!/usr/bin/env python3
"""Computes the constants of ir/elementary_constants.h (needs python3-mpmath): prints the file.

Every polynomial is a minimax fit by Remez' exchange, in 60 digits, of the relative error of the
function's result. Coefficients are rounded to the element type and then moved by single places,
one or two at a time, as long as the largest error falls.

    tools/fit_elementary.py > ir/elementary_constants.h
"""
import mpmath as mp

mp.mp.dps = 60
GRID = 800
DIGITS = {"float": 24, "double": 53}


def rounded(value, digits):
    """The nearest number of so many binary digits."""
    if value == 0:
        return mp.mpf(0)
    quantum = mp.ldexp(1, int(mp.floor(mp.log(abs(value), 2))) - digits + 1)
    return mp.nint(value / quantum) * quantum


class Fit:
    """A polynomial of `count` coefficients close to f(u) for u in [low, high], so that the largest
    scale(u)*(polynomial - f) is least."""

    def __init__(self, f, scale, low, high, count):
        self.count = count
        us = [low + (high - low) * mp.sin(mp.pi / 2 * mp.mpf(i) / GRID) ** 2
              for i in range(GRID + 1)]
        points = [(u, f(u), abs(scale(u))) for u in us]
        self.grid = [p for p in points if p[2] > mp.mpf("1e-4")]

    @staticmethod
    def error(c, point):
        u, fu, scale = point
        return scale * (mp.polyval(c[::-1], u) - fu)

    def solve(self):
        """The best coefficients."""
        points = [self.grid[len(self.grid) * (2 * i + 1) // (2 * self.count + 2)]
                  for i in range(self.count + 1)]
        for _ in range(60):
            c = self.levelled(points)
            errors = [self.error(c, p) for p in self.grid]
            extrema = self.extrema(errors, self.count + 1)
            if extrema is None:
                raise ValueError("the error has too few extrema")
            points = [self.grid[i] for i in extrema]
            if max(map(abs, errors)) < 1.001 * min(abs(errors[i]) for i in extrema):
                return c
        raise ValueError("no convergence")

    def levelled(self, points):
        """Coefficients whose errors at the points are one level with alternating signs."""
        rows = [[u**k for k in range(self.count)] + [mp.mpf((-1) ** i) / scale]
                for i, (u, _, scale) in enumerate(points)]
        solution = mp.lu_solve(mp.matrix(rows), mp.matrix([fu for _, fu, _ in points]))
        return list(solution)[: self.count]

    @staticmethod
    def extrema(errors, count):
        """Places of `count` alternating extrema, or None when the error has fewer."""
        starts = [i for i in range(len(errors))
                  if i == 0 or mp.sign(errors[i]) != mp.sign(errors[i - 1])]
        ends = [*starts[1:], len(errors)]
        places = [max(range(a, b), key=lambda i: abs(errors[i])) for a, b in zip(starts, ends)]
        if len(places) < count:
            return None
        while len(places) > count:
            places.pop(0 if abs(errors[places[0]]) < abs(errors[places[-1]]) else -1)
        return places

    def in_digits(self, digits):
        """The coefficients rounded, and the largest error with them."""
        c = self.polished([rounded(v, digits) for v in self.solve()], digits)
        return c, max(abs(self.error(c, p)) for p in self.grid)

    def polished(self, c, digits):
        """Moves coefficients by last places, one or two at a time, while the error falls."""
        errors = [float(self.error(c, p)) for p in self.grid]
        moves = []
        for k in range(len(c)):
            step = mp.ldexp(1, int(mp.floor(mp.log(abs(c[k]), 2))) - digits + 1)
            moved = [v + step * (i == k) for i, v in enumerate(c)]
            effect = [float(self.error(moved, p)) - e for p, e in zip(self.grid, errors)]
            moves += [(k, step, effect), (k, -step, [-x for x in effect])]
        pairs = [[m] for m in moves] + [[a, b] for a in moves for b in moves if a[0] < b[0]]
        worst = max(map(abs, errors))
        improved = True
        while improved:
            improved = False
            for chosen in pairs:
                after = [sum(x) for x in zip(errors, *(effect for _, _, effect in chosen))]
                if max(map(abs, after)) < worst * (1 - 1e-6):
                    worst, errors, improved = max(map(abs, after)), after, True
                    for k, step, _ in chosen:
                        c[k] += step
        return c


def series(f, terms, at=mp.mpf("1e-3")):
    """f(u), by its Taylor polynomial where the closed form would cancel."""
    coefficients = [terms(i) for i in range(24)]
    return lambda u: mp.polyval(coefficients[::-1], u) if abs(u) < at else f(u)


def exponential(low, high, count):
    """q of e^r - 1 = r + r^2 q(r), relative to e^r - 1."""
    q = series(lambda r: (mp.expm1(r) - r) / r**2, lambda i: 1 / mp.factorial(i + 2))
    return Fit(q, lambda r: r**2 / mp.expm1(r) if r != 0 else mp.mpf(0), low, high, count)


def sine(count):
    """q of sin(r) = r + r^3 q(r^2), relative to sin(r), for |r| up to pi/2 + 1/16: the number of half
    turns of a large argument may be off by that."""
    def q(v):
        return (mp.sin(mp.sqrt(v)) / mp.sqrt(v) - 1) / v
    q = series(q, lambda i: mp.mpf(-1) ** (i + 1) / mp.factorial(2 * i + 3))
    ratio = series(lambda v: mp.sin(mp.sqrt(v)) / mp.sqrt(v),
                   lambda i: mp.mpf(-1) ** i / mp.factorial(2 * i + 1))
    return Fit(q, lambda v: v / ratio(v), mp.mpf(0), (mp.pi / 2 + mp.mpf(1) / 16) ** 2, count)


def parts(value, digits):
    """The value cut into numbers of so many digits, all of its sign."""
    out = []
    for d in digits:
        rest = value - sum(out)
        quantum = mp.ldexp(1, int(mp.floor(mp.log(rest, 2))) - d + 1)
        out.append(mp.floor(rest / quantum) * quantum)
    return out


def literal(value, type_name):
    if value == 0:
        return "0"
    mantissa, exponent = mp.frexp(value)
    mantissa, exponent = mantissa * 2, exponent - 1
    digits = 6 if type_name == "float" else 13
    bits = int(abs(mantissa) * mp.mpf(2) ** (4 * digits))
    text = f"{bits:0{digits + 1}x}"
    tail = text[1:].rstrip("0")
    sign = "-" if value < 0 else ""
    point = "." if tail else ""
    suffix = "f" if type_name == "float" else ""
    return f"{sign}0x{text[0]}{point}{tail}p{exponent}{suffix}"


class Printer:
    def __init__(self, type_name):
        self.type = type_name

    def number(self, name, value, comment=""):
        value = rounded(value, DIGITS[self.type])
        note = f"  // {comment}" if comment else ""
        print(f"  static constexpr {self.type} {name} = {literal(value, self.type)};{note}")

    def list(self, name, values, comment=""):
        if comment:
            print(f"  // {comment}")
        print(f"  static constexpr std::array<{self.type}, {len(values)}> {name}{{")
        for value in values:
            print(f"      {literal(value, self.type)},")
        print("  };")


def error_text(error):
    return f"2^{mp.nstr(mp.log(error, 2), 4)}"


def print_exponentials(out, digits, count, split):
    half = mp.log(2) / 2 * mp.mpf("1.0005")
    out.number("log2_e", 1 / mp.log(2))
    out.list("ln_2", parts(mp.log(2), [split, digits]), "high and low part")
    c, error = exponential(-half, half, count).in_digits(digits)
    out.list("exp", c, f"e^r = 1 + r + r^2 q(r), |r| <= ln(2)/2; error {error_text(error)}")
    shift = mp.log(mp.mpf(9) / 8) / 2
    out.number("expm1_shift", shift, "r in [ln 0.75, ln 1.5]")
    c, error = exponential(shift - half, shift + half, count).in_digits(digits)
    out.list("expm1", c, f"the same in that range; error {error_text(error)}")


def print_sine(out, digits, count):
    out.number("inverse_pi", 1 / mp.pi)
    out.list("pi", parts(mp.pi, [digits] * 3), "in three parts, for products that do not round")
    short = [30, 53] if digits == 24 else [29, 29, 29, 53]
    out_wide = Printer("double")
    out_wide.list("short_pi", parts(mp.pi, short), "in parts whose products with turns are exact")
    c, error = sine(count).in_digits(digits)
    out.list("sin", c, f"sin(r) = r + r^3 q(r^2), |r| <= pi/2 + 1/16; error {error_text(error)}")


HEAD = """\
// Constants of ir/elementary_functions.h, made by tools/fit_elementary.py. Coefficients stand with the
// constant first; errors are the largest relative ones of the exact formula with these coefficients.
#pragma once

#include <array>

namespace nestjit::ir::elementary {

template <class T>
struct Constants;
"""


def main():
    print(HEAD)
    for type_name, digits, exp, split, sin in (
            ("float", 24, 5, 16, 4), ("double", 53, 11, 42, 8)):
        print(f"template <>\nstruct Constants<{type_name}> {{")
        out = Printer(type_name)
        print_exponentials(out, digits, exp, split)
        print_sine(out, digits, sin)
        print("};\n")
    print("}  // namespace nestjit::ir::elementary")


if __name__ == "__main__":
    main()
