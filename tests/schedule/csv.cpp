// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/schedule/csv.hpp>
#include <plait/schedule/named.hpp>
#include <plait/schedule/simulate.hpp>
#include <plait/schedule/verify_orders.hpp>

#include <doctest/doctest.h>

namespace {

using namespace plait;

std::string text_of(const orders& all) {
  std::ostringstream out;
  write_csv(out, all);
  return out.str();
}
imported_orders read(const std::string& text) {
  std::istringstream in{text};
  return read_csv(in, "a.csv");
}
std::string offence(const std::string& text, int limit = 0) {
  return to_string(verify_orders(read(text).orders, limit));
}
double makespan_of(const orders& all) {
  return simulate(programs_of(all), step_costs::uniform(all.shape)).makespan;
}

/// For each known schedule orders of some shapes, with a seat for what is to be done with them.
template <class Visit>
void for_each_order(Visit&& visit) {
  for (const schedule_facts& one : known_schedules)
    for (const auto& [ranks, micro] : {std::pair{1, 2}, {2, 4}, {3, 6}, {4, 8}, {6, 12}}) {
      const std::string name{one.name};
      CAPTURE(name);
      CAPTURE(ranks);
      try {
        visit(orders_of(one.name, {.ranks = ranks, .micro = micro}));
      } catch (const error& wrong) {
        REQUIRE(wrong.kind() == error_kind::usage);  // a shape that the schedule does not accept
        REQUIRE((one.name == "dualpipe" || one.name == "chimera"));
        REQUIRE(ranks % 2 == 1);
      }
    }
}

TEST_CASE("orders come back as they were written: passes, placement, text and time") {
  int orders_seen = 0;
  for_each_order([&](const orders& all) {
    for (const orders& each : {all, with_messages(all)}) {
      const std::string text = text_of(each);
      const imported_orders again = read(text);
      CHECK(again.orders.stage_of == each.stage_of);
      CHECK(again.orders.passes == each.passes);
      CHECK(again.orders.shape.stages() == each.shape.stages());
      CHECK(again.orders.shape.micro == each.shape.all_micro());
      CHECK(text_of(again.orders) == text);
      const order_fault found = verify_orders(again.orders);
      CHECK_MESSAGE(found.valid, to_string(found));
      CHECK(makespan_of(again.orders) == makespan_of(all));
      ++orders_seen;
    }
  });
  CHECK(orders_seen == 2 * (18 * 5 - 4));
}

TEST_CASE("1F1B and ZB-H1 on two ranks are written as torch.distributed.pipelining writes them") {
  CHECK(text_of(orders_of("1f1b", {.ranks = 2, .micro = 3})) == "0F0,0F1,0B0,0F2,0B1,0B2\n1F0,1B0,1F1,1B1,1F2,1B2\n");
  CHECK(text_of(orders_of("zb_h1", {.ranks = 2, .micro = 2})) == "0F0,0F1,0I0,0W0,0I1,0W1\n1F0,1I0,1F1,1I1,1W0,1W1\n");
  CHECK(text_of(with_messages(orders_of("1f1b", {.ranks = 2, .micro = 1}))) ==
        "0F0,0SEND_F0,0RECV_B0,0B0\n1RECV_F0,1F0,1B0,1SEND_B0\n");
  const std::string dual = text_of(orders_of("dualpipe_v", {.ranks = 2, .micro = 4}));
  CHECK(dual.find("(0F3;3B1)OVERLAP_F_B") != std::string::npos);
}

TEST_CASE("empty cells are idle slots, and columns say where each pass stood") {
  const imported_orders read_back = read("\xEF\xBB\xBF 0F0 ,,\"0F1\",0B0,0B1\r\n,1F0,1B0,1F1,,1B1,\r\n\r\n");
  CHECK(read_back.columns == std::vector<std::vector<int>>{{0, 2, 3, 4}, {1, 2, 3, 5}});
  CHECK(text_of(read_back.orders) == "0F0,0F1,0B0,0B1\n1F0,1B0,1F1,1B1\n");
  CHECK(makespan_of(read_back.orders) == 9);
}

TEST_CASE("cells that gather parameters are passed over") {
  CHECK(text_of(read("0UNSHARD,0F0,0B0,0REDUCE_GRAD,0RESHARD\n").orders) == "0F0,0B0\n");
}

TEST_CASE("placement follows from the rows: any table, uneven ranks, copies of stages") {
  // Rank 0 has stages 2 and 0, rank 1 has stage 1 alone.
  const orders uneven = read("0F0,2F0,2B0,0B0\n1F0,1B0\n").orders;
  CHECK(uneven.stage_of == std::vector<std::int16_t>{0, 2, 1, -1});
  CHECK(verify_orders(uneven).valid);
  CHECK(makespan_of(uneven) == 9);
  // Stage 0 on two ranks, which take turns; stage 1 on one.
  const orders copies = read("0F0,0B0,0F2,0B2\n0F1,0B1,0F3,0B3\n1F0,1B0,1F1,1B1,1F2,1B2,1F3,1B3\n").orders;
  CHECK(copies.stage_of == std::vector<std::int16_t>{0, 0, 1});
  CHECK(copies.shape.stages() == 2);
  CHECK(verify_orders(copies).valid);
  CHECK(to_string(verify_orders(read("0F1,0B1\n0F0,0B0\n1F0,1B0,1F1,1B1\n").orders)) != "");
}

TEST_CASE("what is no order is refused, with row, column and cell") {
  const auto refused = [](const std::string& text, const char* words) {
    CHECK_THROWS_WITH_AS(read(text), doctest::Contains(words), error);
  };
  refused("0F0,0X0\n", "a.csv: row 1, column 2 (0X0): there is no such operation");
  refused("0F0,0B0\n1F0,B0\n", "a.csv: row 2, column 2 (B0): a cell begins with the number of a stage");
  refused("0F\n", "row 1, column 1 (0F): it lacks the number of its micro-batch");
  refused("0SEND_F\n", "(0SEND_F): it lacks the number of its micro-batch");
  refused("0F0B\n", "(0F0B): there is more after the number of its micro-batch");
  refused("-1F0\n", "(-1F0): a cell begins with the number of a stage");
  refused("0F-1\n", "(0F-1): there is no such operation");
  refused("0F40000\n", "(0F40000): stages and micro-batches count up to 32766");
  refused("0F99999999999999999999\n", "stages and micro-batches count up to 32766");
  refused("(0F0;0B0\n", "are written as (0F5;7B2)OVERLAP_F_B");
  refused("(0F0)OVERLAP_F_B\n", "are written as (0F5;7B2)OVERLAP_F_B");
  refused("(0F0;0X0)OVERLAP_F_B\n", "there is no such operation");
  refused("(0B0;0F0)OVERLAP_F_B\n", "the first is a forward pass, the second a backward pass");
  refused("(0F0;0W0)OVERLAP_F_B\n", "the first is a forward pass, the second a backward pass");
  refused("(0F0;0UNSHARD)OVERLAP_F_B\n", "the first is a forward pass, the second a backward pass");
  refused("()OVERLAP_F_B;\n", "are written as");
  refused("(;)OVERLAP_F_B\n", "a cell begins with the number of a stage");
  refused("", "a.csv: there is no cell in it");
  refused(",,\n\n", "there is no cell in it");
  refused("0F0\n\n1F0\n", "row 2 is empty");
  refused("0F20000,20000F0\n", "far more than it has cells for");
  CHECK_THROWS_WITH_AS(load_csv("no_such_file.csv"), doctest::Contains("cannot read no_such_file.csv"), error);
  CHECK_THROWS_WITH_AS(save_csv("no_such_folder/a.csv", orders_of("gpipe", {})),
                       doctest::Contains("cannot write no_such_folder/a.csv"), error);
}

TEST_CASE("any text is read or refused in a sentence, and nothing else happens") {
  const std::string whole = text_of(with_messages(orders_of("dualpipe_v", {.ranks = 2, .micro = 4})));
  std::mt19937 random{7};
  const std::string letters = "0123456789FBIW,;()\n_SENDRCVOLAPUH \"\r\t-\xff";
  int read_well = 0, refused = 0, invalid = 0;
  for (int trial = 0; trial < 3000; ++trial) {
    std::string text = whole;
    for (int edit = static_cast<int>(random() % 2); edit >= 0; --edit) {
      const std::size_t at = random() % text.size();
      const char letter = letters[random() % letters.size()];
      if (trial % 2 == 0) {  // half of the time numbers for numbers, so that it stays an order
        if (text[at] >= '0' && text[at] <= '9') text[at] = letters[random() % 4];
        continue;
      }
      if (const auto way = random() % 3; way == 0)
        text[at] = letter;
      else if (way == 1)
        text.insert(at, 1, letter);
      else
        text.erase(at, 1);
    }
    try {
      verify_orders(read(text).orders).valid ? ++read_well : ++invalid;
    } catch (const error& wrong) {
      CHECK((wrong.kind() == error_kind::io || wrong.kind() == error_kind::schedule));
      ++refused;
    }
  }
  CHECK(read_well > 100);
  CHECK(invalid > 100);
  CHECK(refused > 1000);
}

TEST_CASE("the first offence of an order is named by rank, position and cell") {
  const std::string good = "0F0,0F1,0B0,0B1\n1F0,1B0,1F1,1B1\n";
  CHECK(offence(good).empty());
  CHECK(offence("0F0,0F1,0F0,0B0,0B1\n1F0,1B0,1F1,1B1\n") == "rank 0, position 2 (0F0): it is there twice");
  CHECK(offence("0F0,0F1,0B0,0B1\n1B0,1F0,1F1,1B1\n") == "rank 1, position 0 (1B0): its forward pass has not run");
  CHECK(offence("0F0,0F1,0B0,0B1\n1F0,1W0,1I0,1F1,1B1\n") == "rank 1, position 1 (1W0): its input half has not run");
  CHECK(offence("0F0,0F1,0B0,0B1\n1F0,1B0,1I0,1F1,1B1\n").find("(1I0): there is a whole backward pass as well") !=
        std::string::npos);
  CHECK(offence("0F0,0F1,0B0,0B1\n1F0,1B0,1F1\n") ==
        "rank 0, position 3 (0RECV_B1): waits for ever for a message that is not sent");
  CHECK(offence("0F0,0F1,0B0\n1F0,1B0,1F1,1B1\n") == "rank 0, position 3 (0B1): it is missing");
  CHECK(offence(good, 2).empty());
  CHECK(offence(good, 1) == "rank 0, position 1 (0F1): it keeps 2 chunks alive, where the limit is 1");
  CHECK_THROWS_WITH_AS(read("0F0,0F1,0B0,0B1,1B7\n1F0,1B0,1F1,1B1\n"),
                       doctest::Contains("rank 0, position 4 (1B7): its stage is on another rank"), error);
  CHECK(offence("0F0,0B0\n3F0,3B0\n") == "rank 1, position 0 (3F0): no rank holds stage 1");
}

TEST_CASE("messages of an order are checked as its passes are") {
  const std::string good =
      "0F0,0SEND_F0,0F1,0SEND_F1,0RECV_B0,0B0,0RECV_B1,0B1\n"
      "1RECV_F0,1F0,1B0,1SEND_B0,1RECV_F1,1F1,1B1,1SEND_B1\n";
  CHECK(offence(good).empty());
  const auto edited = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
  };
  CHECK(offence(edited("0SEND_F0,", ""))
            .find("rank 1, position 0 (1RECV_F0): the next message of its queue is for another") != std::string::npos);
  CHECK(offence(edited("1SEND_B1", "1SEND_B0")).find("(1SEND_B0): it is there twice") != std::string::npos);
  CHECK(offence(edited("1RECV_F0,1F0", "1F0,1RECV_F0")).find("rank 1, position 0 (1F0)") == 0);
  CHECK(offence(edited("0RECV_B0,0B0,0RECV_B1,0B1", "0RECV_B1,0B0,0RECV_B0,0B1")).find("(0RECV_B1)") !=
        std::string::npos);
  CHECK(offence(edited("0RECV_B0", "0RECV_F0")).find("the stage at the other end is not on another rank") !=
        std::string::npos);
}

TEST_CASE("a pass left out, doubled or moved to another stage is always noticed") {
  int edits = 0;
  for_each_order([&](const orders& all) {
    if (all.shape.ranks > 4 || all.shape.ranks == 1) return;
    const orders plain = read(text_of(all)).orders;  // as a file has it: without versions
    for (std::size_t rank = 0; rank < plain.passes.size(); ++rank)
      for (std::size_t i = 0; i < plain.passes[rank].size(); i += 3) {
        if (plain.passes[rank][i].beside || (i + 1 < plain.passes[rank].size() && plain.passes[rank][i + 1].beside))
          continue;
        orders left_out = plain, doubled = plain;
        left_out.passes[rank].erase(left_out.passes[rank].begin() + static_cast<std::ptrdiff_t>(i));
        doubled.passes[rank].push_back(doubled.passes[rank][i]);
        CHECK_FALSE(verify_orders(left_out).valid);
        const order_fault found = verify_orders(doubled);
        CHECK_FALSE(found.valid);
        CHECK(found.rank == static_cast<int>(rank));
        CHECK(found.position == static_cast<int>(doubled.passes[rank].size()) - 1);
        edits += 2;
      }
  });
  CHECK(edits > 1000);
}

TEST_CASE("an order is saved to a file and comes back from it") {
  const std::string file = "plait_test_order.csv";
  const orders all = orders_of("zb_v", {});
  save_csv(file, all);
  const imported_orders again = load_csv(file);
  std::remove(file.c_str());
  CHECK(again.orders.passes == all.passes);
  CHECK(again.orders.name == file);
}

}  // namespace
