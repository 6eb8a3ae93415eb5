// expect: communicator
// SPDX-License-Identifier: Apache-2.0
#include <plait/comm/communicator.hpp>
#include <plait/mesh/mesh.hpp>
#include <plait/schedule/one_f_one_b.hpp>
#include <plait/tensor/host.hpp>
#include <plait/train/rank.hpp>

struct telephone {
  using space = plait::host;
  [[nodiscard]] int rank() const { return 0; }
  [[nodiscard]] int size() const { return 1; }
};

void call(telephone& world) {
  plait::rank_context rank{world, plait::handle_of_layout<plait::mesh<>>()};
}
