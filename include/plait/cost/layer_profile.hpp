// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace plait {

/// The numbers of one layer on one rank of the tensor axis: all that plans and predictions of memory need to know of
/// it.
struct layer_profile {
  std::string name{};
  double flops = 0;          ///< forward, of one sample, over all ranks of the tensor axis
  std::int64_t inputs = 0;   ///< features of its input that are here
  std::int64_t outputs = 0;  ///< features of its output that are here
  std::int64_t saved = 0;    ///< elements kept from forward to backward besides the output, for one micro-batch
  std::int64_t scratch = 0;  ///< elements needed during a call, for one micro-batch
  std::vector<std::int64_t> parameters{};  ///< elements of each parameter that are here
  int skip = -1;                           ///< layer whose output it reads besides its input; -1: none
};

/// A model as numbers, on one rank of the tensor axis, for micro-batches of `rows` samples.
struct model_profile {
  std::int64_t rows = 0;  ///< of the largest micro-batch on one data rank
  std::int64_t element_bytes = 4;
  std::int64_t target_bytes = 4;    ///< of one target
  std::int64_t target_columns = 1;  ///< targets of one sample
  std::vector<layer_profile> layers{};
  layer_profile loss{};  ///< its `saved` and `scratch`, and `inputs`
};

}  // namespace plait
