// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>

/// Puts kinds of values through every law of kernels; a new law is one more line.
#define PLAIT_KERNEL_LAWS(...)                                          \
  namespace plait::laws {                                               \
  TEST_CASE_TEMPLATE_INVOKE(matmul_gives_the_product, __VA_ARGS__);     \
  TEST_CASE_TEMPLATE_INVOKE(matmul_repeats, __VA_ARGS__);               \
  TEST_CASE_TEMPLATE_INVOKE(matmul_refuses, __VA_ARGS__);               \
  TEST_CASE_TEMPLATE_INVOKE(sums_are_exact, __VA_ARGS__);               \
  TEST_CASE_TEMPLATE_INVOKE(sums_are_double, __VA_ARGS__);              \
  TEST_CASE_TEMPLATE_INVOKE(column_sums, __VA_ARGS__);                  \
  TEST_CASE_TEMPLATE_INVOKE(elements_are_visited, __VA_ARGS__);         \
  TEST_CASE_TEMPLATE_INVOKE(rows_are_shared, __VA_ARGS__);              \
  TEST_CASE_TEMPLATE_INVOKE(empty_rows, __VA_ARGS__);                   \
  TEST_CASE_TEMPLATE_INVOKE(bias_is_added, __VA_ARGS__);                \
  TEST_CASE_TEMPLATE_INVOKE(columns_are_cut_and_joined, __VA_ARGS__);   \
  TEST_CASE_TEMPLATE_INVOKE(squared_errors, __VA_ARGS__);               \
  TEST_CASE_TEMPLATE_INVOKE(relu_cuts, __VA_ARGS__);                    \
  TEST_CASE_TEMPLATE_INVOKE(gelu_is_exact, __VA_ARGS__);                \
  TEST_CASE_TEMPLATE_INVOKE(slopes_are_limits, __VA_ARGS__);            \
  TEST_CASE_TEMPLATE_INVOKE(cross_entropy_by_hand, __VA_ARGS__);        \
  TEST_CASE_TEMPLATE_INVOKE(cross_entropy_by_parts, __VA_ARGS__);       \
  TEST_CASE_TEMPLATE_INVOKE(cross_entropy_of_huge_logits, __VA_ARGS__); \
  TEST_CASE_TEMPLATE_INVOKE(ties_go_to_the_first, __VA_ARGS__);         \
  TEST_CASE_TEMPLATE_INVOKE(labels_that_are_no_class, __VA_ARGS__);     \
  TEST_CASE_TEMPLATE_INVOKE(rows_are_gathered, __VA_ARGS__);            \
  }
