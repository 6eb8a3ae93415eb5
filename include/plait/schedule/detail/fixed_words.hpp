// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include <plait/schedule/detail/list_scheduler.hpp>
#include <plait/schedule/detail/order_words.hpp>
#include <plait/schedule/detail/stage_times.hpp>
#include <plait/schedule/dualpipe_v.hpp>
#include <plait/schedule/gpipe.hpp>
#include <plait/schedule/hanayo.hpp>
#include <plait/schedule/interleaved.hpp>
#include <plait/schedule/interleaved_zb.hpp>
#include <plait/schedule/looped_bfs.hpp>
#include <plait/schedule/one_f_one_b.hpp>
#include <plait/schedule/orders.hpp>
#include <plait/schedule/v_1f1b.hpp>
#include <plait/schedule/v_half.hpp>
#include <plait/schedule/v_min.hpp>
#include <plait/schedule/zb_h1.hpp>
#include <plait/schedule/zb_h2.hpp>
#include <plait/schedule/zb_v.hpp>

namespace plait::detail {

/// Calls `visit.template operator()<S>()` for the fixed schedules of one or two chunks a rank, without copies of
/// stages.
template <class Visit>
void for_each_fixed(Visit&& visit) {
  visit.template operator()<gpipe>();
  visit.template operator()<one_f_one_b>();
  visit.template operator()<zb_h1>();
  visit.template operator()<zb_h2>();
  visit.template operator()<interleaved<2>>();
  visit.template operator()<interleaved_zb<2>>();
  visit.template operator()<looped_bfs<2>>();
  visit.template operator()<zb_v>();
  visit.template operator()<v_half>();
  visit.template operator()<v_min>();
  visit.template operator()<v_1f1b>();
  visit.template operator()<dualpipe_v>();
  visit.template operator()<hanayo<1>>();
}

/// Where a search begins: the words of the fixed schedules that have the shape and the placement, whatever their
/// memory.
template <class Placement>
std::vector<order_words> fixed_words(pipe_shape shape) {
  std::vector<order_words> all;
  for_each_fixed([&]<class S>() {
    if (S::chunks != shape.chunks || !S::accepts(shape).legal) return;
    for (int place = 0; place < shape.ranks * shape.chunks; ++place)
      if (S::placement::stage_of(shape, place / shape.chunks, place % shape.chunks) !=
          Placement::stage_of(shape, place / shape.chunks, place % shape.chunks))
        return;
    all.push_back(words_of(shape, passes_of<S>(shape)));
  });
  return all;
}

/// The words of list schedules in time, with the stages' own times: free ones by several rules, and those that keep to
/// given words where a rank has a choice and give up the place of weight halves.
inline std::vector<order_words> listed_words(pipe_shape shape, const stage_table& table,
                                             const std::vector<stage_time>& stages, const int* limit,
                                             const std::vector<order_words>& given) {
  const auto count = stages.size();
  std::vector<double> times[3];
  double message = 0;
  for (const stage_time& one : stages) {
    for (int part = 0; part < 3; ++part) times[part].push_back(one.takes[part]);
    for (const stage_link& way : {one.after, one.before})
      if (way.remote) message += way.message() / (2.0 * static_cast<double>(count > 1 ? count - 1 : 1));
  }
  const auto ranks = static_cast<std::size_t>(shape.ranks);
  const auto length = static_cast<std::size_t>(3 * shape.chunks * shape.micro);
  list_rules rules{.split = true,
                   .limit = limit,
                   .forward = times[0].data(),
                   .input = times[1].data(),
                   .weight = times[2].data(),
                   .message = message};
  std::vector<order_words> all;
  std::vector<std::vector<pass>> passes(ranks, std::vector<pass>(length));
  const auto list = [&] {
    std::vector<pass*> begins;
    for (std::vector<pass>& mine : passes) begins.push_back(mine.data());
    if (list_scheduler{table, shape, rules}.run(begins.data()) >= 0) all.push_back(words_of(shape, passes));
  };
  for (const bool deepest : {true, false})
    for (const bool input : {true, false})
      for (const int window : {0, 1, 2, 3, 4, shape.ranks / 2, shape.ranks, 2 * shape.ranks}) {
        rules.deepest_first = deepest;
        rules.input_before_forward = input;
        rules.window = window;
        list();
      }
  rules.window = 0;
  for (const order_words& one : given) {
    std::vector<std::vector<pass>> kept;
    std::vector<const pass*> begins;
    for (const std::vector<pass>& mine : passes_of_words(one)) {
      kept.emplace_back();
      for (const pass& each : mine)
        if (each.kind != op::backward_weight) kept.back().push_back(each);
    }
    for (const std::vector<pass>& mine : kept) begins.push_back(mine.data());
    rules.given = begins.data();
    list();
  }
  return all;
}

}  // namespace plait::detail
