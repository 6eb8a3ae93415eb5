// SPDX-License-Identifier: Apache-2.0
// All readers and writers of linear programs and bases.
#pragma once

#include <plait/solve/basis_file.hpp>
#include <plait/solve/read_lp.hpp>
#include <plait/solve/read_mps.hpp>
#include <plait/solve/write_lp.hpp>
#include <plait/solve/write_mps.hpp>
