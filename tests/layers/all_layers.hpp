// SPDX-License-Identifier: Apache-2.0
#pragma once
// Every layer and every loss of plait: a new one is one more line here.

#include <cstdint>
#include <utility>
#include <vector>

#include <plait/layers/activation.hpp>
#include <plait/layers/bias.hpp>
#include <plait/layers/collective.hpp>
#include <plait/layers/linear.hpp>
#include <plait/layers/softmax_cross_entropy.hpp>
#include <plait/layers/squared_error.hpp>

#include "layers/laws.hpp"
#include "layers/loss_laws.hpp"

namespace laws {

/// Calls `visit(case)` for each layer that takes `from` features and, where it may choose, gives `to`.
template <class Visit>
void for_each_layer(std::int64_t from, std::int64_t to, Visit&& visit) {
  using plait::split_features;
  using plait::whole_features;
  visit(case_of(plait::column_linear{from, to}, from));
  visit(case_of(plait::row_product{from, to}, from));
  visit(case_of(plait::row_linear{from, to}, from));
  visit(case_of(plait::bias<whole_features>{from}, from));
  visit(case_of(plait::bias<split_features>{from}, from));
  visit(case_placed<whole_features>(plait::relu{}, from));
  visit(case_placed<split_features>(plait::relu{}, from));
  visit(case_placed<whole_features>(plait::gelu{}, from));
  visit(case_placed<split_features>(plait::gelu{}, from));
  visit(case_of(plait::sum_partials{}, from));
  visit(case_of(plait::gather_features{}, from));
  visit(case_of(plait::scatter_features{}, from));
}

/// Calls `visit(loss, features)` for each loss.
template <class Visit>
void for_each_loss(std::int64_t features, Visit&& visit) {
  visit(plait::softmax_cross_entropy{features}, features);
  visit(plait::squared_error{features}, features);
}

/// Features in and out: some divide by 2, 3 and 4 ways and some do not; with one or two of them ranks have none.
inline const std::vector<std::pair<std::int64_t, std::int64_t>> sizes{{12, 12}, {10, 5}, {5, 10}, {2, 7}, {1, 1}};

}  // namespace laws
