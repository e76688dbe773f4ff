// Constants of ir/elementary_functions.h, made by tools/fit_elementary.py. Coefficients stand with
// the constant first; errors are the largest relative ones of the exact formula with these
// coefficients.
#pragma once

#include <array>

namespace nestjit::ir::elementary {

template <class T>
struct Constants;

template <>
struct Constants<float> {
  static constexpr float log2_e = 0x1.715476p0f;
  // high and low part
  static constexpr std::array<float, 2> ln_2{
      0x1.62e4p-1f,
      0x1.7f7d1cp-20f,
  };
  // e^r = 1 + r + r^2 q(r), |r| <= ln(2)/2; error 2^-26.06
  static constexpr std::array<float, 5> exp{
      0x1.fffffep-2f, 0x1.5554bp-3f, 0x1.5556c2p-5f, 0x1.122884p-7f, 0x1.6bec1p-10f,
  };
  static constexpr float expm1_shift = 0x1.e27076p-5f;  // r in [ln 0.75, ln 1.5]
  // the same in that range; error 2^-26.16
  static constexpr std::array<float, 5> expm1{
      0x1.000004p-1f, 0x1.5554e8p-3f, 0x1.5546a6p-5f, 0x1.11e58ap-7f, 0x1.7ed0b2p-10f,
  };
  static constexpr float inverse_pi = 0x1.45f306p-2f;
  // in three parts, for products that do not round
  static constexpr std::array<float, 3> pi{
      0x1.921fb4p1f,
      0x1.4442dp-23f,
      0x1.846988p-47f,
  };
  // in parts whose products with turns are exact
  static constexpr std::array<double, 2> short_pi{
      0x1.921fb54p1,
      0x1.10b4611a62633p-29,
  };
  // sin(r) = r + r^3 q(r^2), |r| <= pi/2 + 1/16; error 2^-26.61
  static constexpr std::array<float, 4> sin{
      -0x1.555548p-3f,
      0x1.110e38p-7f,
      -0x1.9f5302p-13f,
      0x1.5c1d16p-19f,
  };
};

template <>
struct Constants<double> {
  static constexpr double log2_e = 0x1.71547652b82fep0;
  // high and low part
  static constexpr std::array<double, 2> ln_2{
      0x1.62e42fefa38p-1,
      0x1.ef35793c7673p-45,
  };
  // e^r = 1 + r + r^2 q(r), |r| <= ln(2)/2; error 2^-61.03
  static constexpr std::array<double, 11> exp{
      0x1p-1,
      0x1.5555555555559p-3,
      0x1.555555555554p-5,
      0x1.111111110f6b6p-7,
      0x1.6c16c16c1f0d9p-10,
      0x1.a01a01afddc86p-13,
      0x1.a01a017bb4c5cp-16,
      0x1.71ddf863333c2p-19,
      0x1.27e5363bce5a2p-22,
      0x1.af5ea92759eb9p-26,
      0x1.1ee892e75d089p-29,
  };
  static constexpr double expm1_shift = 0x1.e27076e2af2e6p-5;  // r in [ln 0.75, ln 1.5]
  // the same in that range; error 2^-59.72
  static constexpr std::array<double, 11> expm1{
      0x1p-1,
      0x1.5555555555554p-3,
      0x1.555555555562cp-5,
      0x1.11111111119bbp-7,
      0x1.6c16c16babff3p-10,
      0x1.a01a019cf6b7ap-13,
      0x1.a01a04451b963p-16,
      0x1.71de385178a76p-19,
      0x1.27dd79a8122b5p-22,
      0x1.aeca14222c24dp-26,
      0x1.2eddd681ed949p-29,
  };
  static constexpr double inverse_pi = 0x1.45f306dc9c883p-2;
  // in three parts, for products that do not round
  static constexpr std::array<double, 3> pi{
      0x1.921fb54442d18p1,
      0x1.1a62633145c06p-53,
      0x1.c1cd129024e08p-106,
  };
  // in parts whose products with turns are exact
  static constexpr std::array<double, 4> short_pi{
      0x1.921fb54p1,
      0x1.10b4611p-29,
      0x1.4c4c662p-58,
      0x1.1701b839a252p-87,
  };
  // sin(r) = r + r^3 q(r^2), |r| <= pi/2 + 1/16; error 2^-56.64
  static constexpr std::array<double, 8> sin{
      -0x1.5555555555555p-3,  0x1.1111111111088p-7,  -0x1.a01a01a011387p-13, 0x1.71de3a5120a8bp-19,
      -0x1.ae6454299f133p-26, 0x1.6123a339662e2p-33, -0x1.ae38e9ef75bfep-41, 0x1.871be93df7fdap-49,
  };
};

}  // namespace nestjit::ir::elementary
