// expect: group.split(0, 0)
// SPDX-License-Identifier: Apache-2.0
// The compiler names what a communicator lacks.
#include <plait/comm/communicator.hpp>
#include <plait/comm/serial.hpp>
#include <plait/tensor/host.hpp>

struct inseparable : plait::serial_communicator<plait::host> {
  void split() {}
};

static_assert(plait::communicator<inseparable>);
