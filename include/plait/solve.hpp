// SPDX-License-Identifier: Apache-2.0
// Linear programs: models, the simplex methods, certificates. Integer programs are in
// plait/solve/branch_and_bound.hpp, reading and writing of files in plait/solve/formats.hpp, the modelling layer in
// plait/solve/model.hpp.
#pragma once

#include <plait/solve/check.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/simplex.hpp>
