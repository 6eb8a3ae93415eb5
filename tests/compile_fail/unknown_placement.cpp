// expect: a layer takes its input placed otherwise than the layer before it gives it
// SPDX-License-Identifier: Apache-2.0
// A layer may take what no layer of plait gives: rows that every data rank has all of.
#include <plait/layers/activation.hpp>
#include <plait/layers/softmax_cross_entropy.hpp>
#include <plait/model/stack.hpp>
#include <plait/tensor/placement.hpp>

struct takes_all_rows : plait::relu {
  using takes = plait::placement<plait::replicated, plait::replicated>;
  using gives = plait::split_features;
};

const plait::stack model{takes_all_rows{}, plait::softmax_cross_entropy{2}};
