// expect: plait::bias: features are whole or split; a sum must be taken before a bias is added to it
// SPDX-License-Identifier: Apache-2.0
#include <plait/layers/bias.hpp>

const plait::bias<plait::partial_features> wrong{4};
