// SPDX-License-Identifier: Apache-2.0
#include "laws.hpp"

namespace {

using namespace plait;

#define PLAIT_ALL_POLICIES                                                                                            \
  max_min_agnostic, max_min_perf, max_min_packed, least_makespan, finish_time_fairness, sum_throughput,               \
      sum_throughput_over_cost, sum_throughput_over_cost_slo, throughput_per_dollar, throughput_per_dollar_slo, fifo, \
      fifo_lp, shortest_job_first, water_filling, hierarchical, allox, gandiva, isolated, proportional, nash, pop

TEST_CASE_TEMPLATE("a policy gives feasible shares, and a proof where it solves programs", P, PLAIT_ALL_POLICIES) {
  laws::policy<P>();
}

TEST_CASE_TEMPLATE("the order of jobs does not matter where it is not the policy's business", P, PLAIT_ALL_POLICIES) {
  laws::order_does_not_matter<P>();
}

TEST_CASE_TEMPLATE("the unit of steps does not matter", P, PLAIT_ALL_POLICIES) {
  laws::units_do_not_matter<P>();
}

TEST_CASE_TEMPLATE("putting equal jobs together changes nothing", P, PLAIT_ALL_POLICIES) {
  laws::grouping_changes_nothing<P>();
}

TEST_CASE("the list of names is that of the policies under these laws") {
  int count = 0;
  for (const named_policy& one : policies) {
    ++count;
    CHECK(&policy_of(one.name) == &one);
    CHECK((one.share != nullptr));
  }
  CHECK(count == 21);
  CHECK_THROWS_AS(policy_of("no_such_policy"), error);
}

}  // namespace
