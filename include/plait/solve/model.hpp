// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <plait/core/require.hpp>
#include <plait/solve/answer.hpp>
#include <plait/solve/lp.hpp>

namespace plait {

/// A variable of a `linear_model`: a column's index and nothing else.
struct variable {
  int column = -1;
};
/// A constraint of a `linear_model`: a row's index and nothing else.
struct constraint {
  int row = -1;
};

/// A sum of variables times numbers, and a constant.
struct expression {
  std::vector<lp_entry> terms;
  double constant = 0;

  expression() = default;
  expression(double value) : constant{value} {}
  expression(variable v) { terms.push_back({v.column, 1}); }

  expression& operator+=(const expression& b) {
    terms.insert(terms.end(), b.terms.begin(), b.terms.end());
    constant += b.constant;
    return *this;
  }
  expression& operator*=(double factor) {
    for (lp_entry& t : terms) t.value *= factor;
    constant *= factor;
    return *this;
  }
  expression& operator-=(expression b) { return *this += (b *= -1); }
};

inline expression operator+(expression a, const expression& b) {
  return std::move(a += b);
}
inline expression operator-(expression a, const expression& b) {
  return std::move(a -= b);
}
inline expression operator-(expression a) {
  return std::move(a *= -1);
}
inline expression operator*(double factor, expression a) {
  return std::move(a *= factor);
}
inline expression operator*(expression a, double factor) {
  return std::move(a *= factor);
}

/// lower <= terms <= upper, as `<=`, `>=` and `==` of expressions make it.
struct relation {
  expression terms;
  double lower = -infinity, upper = infinity;
};
inline relation operator<=(expression a, const expression& b) {
  a -= b;
  const double right = -a.constant;
  a.constant = 0;
  return {std::move(a), -infinity, right};
}
inline relation operator>=(const expression& a, expression b) {
  return std::move(b) <= a;
}
inline relation operator==(expression a, const expression& b) {
  relation both = std::move(a) <= b;
  both.lower = both.upper;
  return both;
}
/// The same expression between two numbers: `between(1, x + y, 3)`.
inline relation between(double lower, expression a, double upper) {
  const double shift = a.constant;
  a.constant = 0;
  return {std::move(a), lower - shift, upper - shift};
}

/// A linear program written with variables and expressions. What it builds is an `lp`, entry by entry, and nothing is
/// kept beside it.
class linear_model {
 public:
  variable add(std::string name = {}, double lower = 0, double upper = infinity) {
    const int column = program_.add_column(0, lower, upper);
    if (!name.empty()) program_.set_column_name(column, std::move(name));
    return {column};
  }
  variable add_whole(std::string name = {}, double lower = 0, double upper = infinity) {
    const variable v = add(std::move(name), lower, upper);
    program_.set_integer(v.column);
    return v;
  }
  constraint add(const relation& r, std::string name = {}) {
    const int row = program_.add_row(r.lower, r.upper, r.terms.terms);
    if (!name.empty()) program_.set_row_name(row, std::move(name));
    return {row};
  }
  void minimize(const expression& objective) { set(objective, objective_sense::minimize); }
  void maximize(const expression& objective) { set(objective, objective_sense::maximize); }

  [[nodiscard]] lp& program() { return program_; }
  [[nodiscard]] const lp& program() const { return program_; }

 private:
  void set(const expression& objective, objective_sense sense) {
    for (int j = 0; j < program_.columns(); ++j) program_.set_cost(j, 0);
    for (const lp_entry& t : objective.terms) program_.set_cost(t.index, program_.cost(t.index) + t.value);
    program_.set_offset(objective.constant);
    program_.set_sense(sense);
  }
  lp program_;
};

namespace detail {
inline double entry_of(const table<double>& values, int at, const answer& a, const char* where) {
  require(0 <= at && at < values.size(), where, [&] {
    return std::string{"the answer, whose status is "}.append(name_of(a.status)).append(", holds no number for it");
  });
  return values[at];
}
}  // namespace detail

/// What an answer says of a variable or constraint. Throws: usage where it says nothing: one that is infeasible has no
/// values, one of an integer program no duals, and one from before the variable was added neither.
inline double value_of(const answer& a, variable v) {
  return detail::entry_of(a.x, v.column, a, "value_of");
}
inline double dual_of(const answer& a, constraint c) {
  return detail::entry_of(a.dual, c.row, a, "dual_of");
}
inline double reduced_cost_of(const answer& a, variable v) {
  return detail::entry_of(a.reduced_cost, v.column, a, "reduced_cost_of");
}

}  // namespace plait
