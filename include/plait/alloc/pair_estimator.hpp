// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <plait/alloc/instance.hpp>
#include <plait/core/random.hpp>
#include <plait/core/require.hpp>
#include <plait/solve/table.hpp>

namespace plait {

struct pair_estimator_settings {
  int most_factors = 4;  ///< the number of factors is the one of least error when pairs are left out, at most this
  int sweeps = 40;       ///< of alternating least squares
  int parts = 20;        ///< measured pairs are left out in so many parts; that many or fewer pairs: one by one
};

/// Guesses how fast two kinds of jobs run on the same worker from some pairs that were measured.
///
/// What kind a keeps of its own rate beside b on type t is x_abt = rate_abt / alone_at, and
///
///     x_abt ~ mean_t + hurt_at + hurts_bt + u_a . v_bt
///
/// with offsets for who is slowed and for who slows, and a few factors that a kind has on all types. Least squares
/// with a ridge over what was measured, solved in turn for one side and the other; the start is fixed, so equal input
/// gives equal bits. Ridge and number of factors are those of least error over pairs that are left out. Estimates are
/// cut to 0 .. 1.
///
/// Pairs that did not run at all, for want of memory, are not of this form and are left out of it. They say something
/// of sizes: size_at + size_bt <= 1 where two run together, > 1 where they do not. Sizes begin at 1/4 and are moved to
/// keep that for the pairs that were measured (relaxation of linear inequalities: Agmon 1954), and a pair whose sizes
/// exceed 1 is thought not to run.
///
/// Cost of a fit: O(parts sweeps (measured factors^2 + kinds types factors^3)) for each of some ten trials.
/// Source: matrix completion by alternating least squares with a ridge, Zhou, Wilkinson, Schreiber, Pan, "Large-Scale
/// Parallel Collaborative Filtering for the Netflix Prize", AAIM 2008; for pairs of jobs Narayanan et al., OSDI 2020,
/// section 6, who complete rows of reference jobs and take the nearest.
class pair_estimator {
 public:
  /// `alone[k * types + t]`: steps/s of kind k on type t; 0: it cannot run there.
  pair_estimator(table<double> alone, int types, const pair_estimator_settings& how = {})
      : alone_{std::move(alone)}, types_{types}, kinds_{types > 0 ? alone_.size() / types : 0}, how_{how} {
    require(types > 0 && alone_.size() == kinds_ * types, "plait::pair_estimator",
            "alone must hold a rate for each kind and type");
    require(how.most_factors >= 0 && how.sweeps >= 1 && how.parts >= 2, "plait::pair_estimator",
            "most_factors must not be negative, sweeps be positive, and parts at least 2");
  }

  /// Learns from pairs, each type by type. Throws: usage, where one names a kind or type that is not there.
  void fit(std::span<const pair_rate> measured) {
    measured_.assign(measured.begin(), measured.end());
    seen_.clear();
    known_.assign(static_cast<int>(kinds_ * kinds_ * types_), -1);
    for (int p = 0; p < static_cast<int>(measured.size()); ++p) {
      const pair_rate& one = measured[static_cast<std::size_t>(p)];
      require(0 <= one.first_kind && one.first_kind <= one.second_kind && one.second_kind < kinds_ && 0 <= one.type &&
                  one.type < types_,
              "plait::pair_estimator", [&] {
                return std::string{"measured pair "}.append(std::to_string(p)).append(" has no such type or kinds");
              });
      known_[at(one.first_kind, one.second_kind, one.type)] = p;
      known_[at(one.second_kind, one.first_kind, one.type)] = p;
      if (!runs(one)) continue;
      see(one.first_kind, one.second_kind, one.type, one.first, p);
      if (one.first_kind != one.second_kind) see(one.second_kind, one.first_kind, one.type, one.second, p);
    }
    choose();
    learn(-1, 1);
    learn_sizes();
  }

  /// What kind a is thought to keep of its rate beside b on a type, 0 .. 1, whether that was measured or not.
  [[nodiscard]] double kept(int a, int b, int type) const { return std::fmin(1, std::fmax(0, model(a, b, type))); }

  /// Whether two kinds are thought to run together on a type: as measured, or else by their sizes.
  [[nodiscard]] bool run_together(int a, int b, int type) const {
    const int p = known_[at(a, b, type)];
    if (p >= 0) return runs(measured_[static_cast<std::size_t>(p)]);
    return alone(a, type) > 0 && alone(b, type) > 0 && size_[a * types_ + type] + size_[b * types_ + type] <= 1;
  }

  /// All pairs, kinds and types in order: as measured, or else as estimated where they are thought to run.
  [[nodiscard]] std::vector<pair_rate> rates() const {
    std::vector<pair_rate> made;
    for (int t = 0; t < types_; ++t) {
      for (int a = 0; a < kinds_; ++a) {
        for (int b = a; b < kinds_; ++b) {
          const int p = known_[at(a, b, t)];
          if (p >= 0) {
            made.push_back(measured_[static_cast<std::size_t>(p)]);
          } else if (run_together(a, b, t)) {
            const double first = kept(a, b, t) * alone(a, t), second = a == b ? first : kept(b, a, t) * alone(b, t);
            made.push_back({.first_kind = a, .second_kind = b, .type = t, .first = first, .second = second});
          }
        }
      }
    }
    return made;
  }

  /// Mean of |estimate - measured| over what was measured, each estimated without its own pair and the rest of its
  /// part: what to expect of pairs that were not measured, where those that were are a fair sample.
  [[nodiscard]] double error() const { return error_; }
  /// Factors that were chosen; 0: offsets alone.
  [[nodiscard]] int factors() const { return factors_; }

 private:
  struct sample {
    int a, b, type;
    double x;  ///< part of its own rate that a keeps
    int pair;  ///< place among the measured ones
  };

  [[nodiscard]] double alone(int kind, int type) const { return alone_[kind * types_ + type]; }
  [[nodiscard]] int at(int a, int b, int type) const { return (type * kinds_ + a) * kinds_ + b; }

  static bool runs(const pair_rate& one) { return one.first > 0 || one.second > 0; }

  void learn_sizes() {
    constexpr double margin = 0.05;
    size_.assign(kinds_ * types_, 0.25);
    for (int sweep = 0; sweep < 10 * how_.sweeps; ++sweep) {
      bool moved = false;
      for (const pair_rate& one : measured_) {
        if (alone(one.first_kind, one.type) <= 0 || alone(one.second_kind, one.type) <= 0) continue;
        double &a = size_[one.first_kind * types_ + one.type], &b = size_[one.second_kind * types_ + one.type];
        const double both = a + b,
                     wrong = runs(one) ? std::fmax(0, both - (1 - margin)) : std::fmin(0, both - (1 + margin));
        if (wrong == 0) continue;
        a -= wrong / 2;
        if (one.first_kind != one.second_kind) b -= wrong / 2;
        moved = true;
      }
      if (!moved) return;
    }
  }

  /// The ridge and the number of factors of least error when pairs are left out.
  void choose() {
    error_ = infinity;
    int factors = 0;
    double ridge = 0;
    for (const double tried : {0.1, 0.3, 1.0, 3.0}) {
      ridge_ = tried;
      double before = infinity;
      for (factors_ = 0; factors_ <= how_.most_factors; ++factors_) {
        const double error = left_out_error();
        if (error < error_) {
          error_ = error;
          factors = factors_;
          ridge = tried;
        }
        if (error >= before) break;
        before = error;
      }
    }
    factors_ = factors;
    ridge_ = ridge;
  }

  void see(int a, int b, int type, double rate, int pair) {
    if (alone(a, type) > 0) seen_.push_back({a, b, type, rate / alone(a, type), pair});
  }

  [[nodiscard]] double model(int a, int b, int type) const {
    double sum = mean_[type] + hurt_[a * types_ + type] + hurts_[b * types_ + type];
    for (int f = 0; f < factors_; ++f) sum += u_[a * factors_ + f] * v_[(b * types_ + type) * factors_ + f];
    return sum;
  }

  /// Without the samples of one of so many parts; part -1: from all.
  void learn(int part, int parts) {
    const auto left_out = [&](const sample& one) { return one.pair % parts == part; };
    const int sides = kinds_ * types_;
    mean_.assign(types_, 0.5);
    hurt_.assign(sides, 0.0);
    hurts_.assign(sides, 0.0);
    table<double> sum(sides), weight(sides), of_type(types_, 0.0), count(types_, 0.0);
    for (const sample& one : seen_) {
      if (left_out(one)) continue;
      of_type[one.type] += one.x;
      ++count[one.type];
    }
    for (int t = 0; t < types_; ++t)
      if (count[t] > 0) mean_[t] = of_type[t] / count[t];
    // What a kind does on all types first, then what is different on one of them.
    const auto offsets = [&](table<double>& side, const table<double>& other, table<double>& shared, bool slowed) {
      for (const bool of_kind : {true, false}) {
        const int count_of = of_kind ? kinds_ : sides;
        sum.assign(count_of, 0.0);
        weight.assign(count_of, ridge_);
        for (const sample& one : seen_) {
          if (left_out(one)) continue;
          const int kind = slowed ? one.a : one.b, mine = kind * types_ + one.type,
                    its = (slowed ? one.b : one.a) * types_ + one.type;
          const double rest = one.x - mean_[one.type] - other[its];
          if (of_kind) {
            sum[kind] += rest - (side[mine] - shared[kind]);
            ++weight[kind];
          } else {
            sum[mine] += rest - shared[kind];
            ++weight[mine];
          }
        }
        for (int i = 0; i < sides; ++i) {
          const int kind = i / types_;
          if (of_kind) {
            const double own = side[i] - shared[kind];
            side[i] = own + sum[kind] / weight[kind];
          } else {
            side[i] = shared[kind] + sum[i] / weight[i];
          }
        }
        for (int k = 0; of_kind && k < kinds_; ++k) shared[k] = sum[k] / weight[k];
      }
    };
    table<double> hurt_kind(kinds_, 0.0), hurts_kind(kinds_, 0.0);
    for (int sweep = 0; sweep < how_.sweeps; ++sweep) {
      offsets(hurt_, hurts_, hurt_kind, true);
      offsets(hurts_, hurt_, hurts_kind, false);
    }
    u_.assign(kinds_ * factors_, 0.0);
    v_.assign(sides * factors_, 0.0);
    if (factors_ == 0) return;
    const random_stream start{0, "plait::pair_estimator", 0};
    for (int i = 0; i < u_.size(); ++i) u_[i] = start.uniform(static_cast<std::uint64_t>(i)) - 0.5;
    rest_.clear();
    for (const sample& one : seen_) {
      if (left_out(one)) continue;
      rest_.push_back(one);
      rest_.back().x -= mean_[one.type] + hurt_[one.a * types_ + one.type] + hurts_[one.b * types_ + one.type];
    }
    for (int sweep = 0; sweep < how_.sweeps; ++sweep) {
      solve_side(v_, u_, sides, false);
      solve_side(u_, v_, kinds_, true);
    }
  }

  /// The factors of one side, from those of the other: a small system of normal equations for each.
  void solve_side(table<double>& mine, const table<double>& others, int count, bool slowed) {
    const int k = factors_, size = k * (k + 1);
    normal_.assign(count * size, 0.0);
    for (const sample& one : rest_) {
      const int i = slowed ? one.a : one.b * types_ + one.type, o = slowed ? one.b * types_ + one.type : one.a;
      double* const into = normal_.data() + i * size;
      const double* const from = others.data() + o * k;
      for (int r = 0; r < k; ++r) {
        for (int c = 0; c <= r; ++c) into[r * (k + 1) + c] += from[r] * from[c];
        into[r * (k + 1) + k] += from[r] * one.x;
      }
    }
    for (int i = 0; i < count; ++i) {
      double* const system = normal_.data() + i * size;
      for (int r = 0; r < k; ++r) system[r * (k + 1) + r] += ridge_;
      solve_small(system, mine.data() + i * k);
    }
  }

  /// Cholesky's method; the matrix is positive definite by its ridge. Row r: lower triangle, and the right-hand side.
  void solve_small(double* system, double* x) const {
    const int k = factors_, width = k + 1;
    for (int r = 0; r < k; ++r) {
      for (int c = 0; c <= r; ++c) {
        double sum = system[r * width + c];
        for (int j = 0; j < c; ++j) sum -= system[r * width + j] * system[c * width + j];
        system[r * width + c] = r == c ? std::sqrt(sum) : sum / system[c * width + c];
      }
    }
    for (int r = 0; r < k; ++r) {
      double sum = system[r * width + k];
      for (int j = 0; j < r; ++j) sum -= system[r * width + j] * x[j];
      x[r] = sum / system[r * width + r];
    }
    for (int r = k - 1; r >= 0; --r) {
      double sum = x[r];
      for (int j = r + 1; j < k; ++j) sum -= system[j * width + r] * x[j];
      x[r] = sum / system[r * width + r];
    }
  }

  [[nodiscard]] double left_out_error() {
    const int pairs = static_cast<int>(measured_.size()), parts = pairs <= how_.parts ? pairs : how_.parts;
    double sum = 0;
    for (int part = 0; part < parts; ++part) {
      learn(part, parts);
      for (const sample& one : seen_)
        if (one.pair % parts == part) sum += std::fabs(kept(one.a, one.b, one.type) - std::fmin(1, one.x));
    }
    return seen_.empty() ? 0 : sum / static_cast<double>(seen_.size());
  }

  table<double> alone_;
  int types_, kinds_;
  pair_estimator_settings how_;
  std::vector<pair_rate> measured_;
  std::vector<sample> seen_, rest_;
  table<int> known_;
  table<double> mean_, hurt_, hurts_, u_, v_, normal_, size_;
  int factors_ = 0;
  double error_ = 0, ridge_ = 0;
};

}  // namespace plait
