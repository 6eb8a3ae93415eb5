// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <type_traits>
#include <vector>

#include <plait/core/host_device.hpp>
#include <plait/tensor/dtype.hpp>

namespace plait {

/// One parameter's update, as an optimizer sees it. Pointers are into the space of the stream.
template <real T>
struct update {
  T* weight;
  const T* gradient;
  T* const* state;  ///< as many arrays as the optimizer's `states`
  std::int64_t size;
  const double* gradient_scale;  ///< what gradients are multiplied by, for clipping; in the space of the weights
  bool decays;                   ///< whether weight decay applies
  std::int64_t step;             ///< counts from 1
  /// The optimizer's `numbers<T>(step)`, in the space of the weights, where somebody has put them there; else none.
  const void* numbers = nullptr;
};

/// An optimizer: settings, the number of its `states` (arrays of the size of the parameters, zero at the start), and
/// `apply(update, stream)`. Element by element, so that cutting parameters over ranks changes nothing. `state_names`,
/// optional, tells checkpoints what the states are: else `state0`, `state1`, ...
template <class O>
concept optimizer = requires {
  O::states;
};

/// An optimizer whose steps can be captured: what a step takes from it and from the step's number, such as rates and
/// corrections, is one value, `numbers<T>(step)`, and `apply` gives the same work in every step, which reads the value
/// where `update::numbers` says.
template <class O, class T>
concept capturable_optimizer = optimizer<O> && requires(const O& one, std::int64_t step) {
  one.template numbers<T>(step);
  requires std::is_trivially_copyable_v<decltype(one.template numbers<T>(step))>;
};

/// The names of an optimizer's states.
template <optimizer O>
std::vector<std::string> state_names_of() {
  std::vector<std::string> names;
  for (int state = 0; state < O::states; ++state) {
    if constexpr (requires { O::state_names; }) {
      static_assert(std::size(O::state_names) == O::states,
                    "plait::optimizer: state_names has one name for each state");
      names.emplace_back(O::state_names[state]);
    } else {
      names.push_back("state" + std::to_string(state));
    }
  }
  return names;
}

namespace detail {

/// Gradients as clipping leaves them. There is always a scale, if only 1, and it is read once, before the elements:
/// else compilers could not take several elements at a time.
template <real T>
struct scaled_gradient {
  const T* gradient;
  const double* scale;
  T factor = 1;

  PLAIT_HD void begin() { factor = static_cast<T>(*scale); }
  PLAIT_HD T operator[](std::int64_t i) const { return factor * gradient[i]; }
};

/// An optimizer's numbers: those that were given with the work, or, where there is a place for them in the space, those
/// that are there when the work is done.
template <class Numbers>
struct step_numbers {
  Numbers now;
  const Numbers* from;
  bool decays;

  PLAIT_HD void begin() {
    if (from != nullptr) now = *from;
    if (!decays) now.weight_decay = 0;
  }
};

template <class Numbers, real T>
step_numbers<Numbers> numbers_for(const update<T>& one, const Numbers& now) {
  return {now, static_cast<const Numbers*>(one.numbers), one.decays};
}

}  // namespace detail

}  // namespace plait
