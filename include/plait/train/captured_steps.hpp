// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <plait/train/recorder.hpp>

namespace plait {

/// Steps that have been recorded, and are done again by one launch each.
///
/// Steps whose keys are equal give the same work to the same addresses. The first step of a key is given as ever, which
/// also makes whatever is made once; the second is recorded and launched; all later ones are launched. As many keys as
/// `most` are kept; after that the one that was not used for longest goes.
template <class Space>
class captured_steps {
 public:
  using stream = typename Space::stream;
  static constexpr std::size_t most = 8;

  captured_steps() { kinds_.reserve(most); }

  /// give(): gives the work of this step to `order`.   launch(start): calls `start()`, which gives recorded work to
  /// `order`.   rows: what the step did when, which stays true of steps that are launched.
  template <class Give, class Launch>
  void run(std::span<const std::int64_t> key, recorder<Space>& rows, stream order, const Give& give,
           const Launch& launch) {
    const auto known =
        std::find_if(kinds_.begin(), kinds_.end(), [&](const kind& one) { return std::ranges::equal(one.key, key); });
    if (known == kinds_.end()) {
      if (kinds_.size() == most) kinds_.pop_back();
      kinds_.insert(kinds_.begin(), kind{{key.begin(), key.end()}, nullptr, {}});
      return give();
    }
    std::rotate(kinds_.begin(), known, known + 1);
    kind& one = kinds_.front();
    if (one.work != nullptr) {
      rows.again(one.rows);
    } else {
      one.work = std::make_unique<typename Space::graph>(order, give);
      one.rows.assign(rows.entries().begin(), rows.entries().end());
    }
    launch([&] { one.work->launch(order); });
  }

 private:
  struct kind {
    std::vector<std::int64_t> key;
    std::unique_ptr<typename Space::graph> work;  ///< none: the step has not been recorded yet
    std::vector<typename recorder<Space>::entry> rows;
  };
  std::vector<kind> kinds_;  ///< the one used last first
};

}  // namespace plait
