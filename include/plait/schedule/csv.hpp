// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <istream>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/schedule/detail/csv_cell.hpp>
#include <plait/schedule/detail/csv_placement.hpp>
#include <plait/schedule/orders.hpp>

namespace plait {

// Orders as comma-separated text, in the form of torch.distributed.pipelining: a row for each rank, a cell for each
// pass, `2F5` for the forward pass of micro-batch 5 through stage 2; B is a whole backward pass, I its input half, W
// its weight half; `(0F5;7B2)OVERLAP_F_B` are two passes that run together; an empty cell is a slot in which the rank
// idles. Orders with messages also have `0SEND_F5` (stage 0 sends its output on), `1RECV_F5`, `1SEND_B5` (stage 1 sends
// the gradient of its input back) and `0RECV_B5`.

/// Orders from a file, and where their passes stood in it.
struct imported_orders {
  plait::orders orders;
  std::vector<std::vector<int>> columns{};  ///< [ranks, passes]: cell of the row, counted from 0
};

/// Reads orders. Where the stages are follows from the rows; the micro-batches from the largest number.
///
/// Cells that gather or shard parameters (UNSHARD, RESHARD, REDUCE_GRAD) are passed over: the library derives what it
/// needs of that. An order that can be read may still be wrong; `verify_orders` tells.
/// Throws: io, with row, column and cell (rows and columns counted from 1), for what is no order; schedule, with rank
/// and position (counted from 0), for a pass on a rank that does not hold its stage.
inline imported_orders read_csv(std::istream& in, std::string name = "orders") {
  std::vector<std::vector<detail::csv_place>> rows;
  int stages = 0, micro = 0;
  std::size_t cells = 0, row = 0;
  for (std::string line; std::getline(in, line); ++row) {
    if (row == 0 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
    rows.emplace_back();
    int column = 0;
    for (std::size_t at = 0; at <= line.size(); ++column) {
      const std::size_t end = std::min(line.find(',', at), line.size());
      std::string_view text{line.data() + at, end - at};
      constexpr std::string_view around = " \t\r\"";
      const std::size_t first = std::min(text.find_first_not_of(around), text.size());
      text = text.substr(first, text.find_last_not_of(around) + 1 - first);
      at = end + 1;
      if (text.empty()) continue;
      const auto add = [&](const detail::csv_cell& cell, bool beside) {
        rows.back().push_back({cell, column, beside});
        stages = std::max(stages, cell.stage + 1);
        micro = std::max(micro, cell.micro + 1);
        ++cells;
      };
      std::string_view fault;
      if (text[0] == '(') {
        const detail::csv_pair pair = detail::read_csv_pair(text);
        fault = pair.fault;
        if (fault.empty()) add(pair.first, false), add(pair.second, true);
      } else {
        const detail::csv_reading one = detail::read_csv_cell(text);
        fault = one.fault;
        if (one.cell) add(*one.cell, false);
      }
      if (!fault.empty()) {
        std::string words{name};
        words.append(": row ").append(std::to_string(row + 1)).append(", column ").append(std::to_string(column + 1));
        words.append(" (").append(text.substr(0, 60)).append("): ").append(fault);
        throw error{error_kind::io, "plait::read_csv", std::move(words)};
      }
    }
  }
  while (!rows.empty() && rows.back().empty()) rows.pop_back();
  if (rows.empty()) throw error{error_kind::io, "plait::read_csv", name + ": there is no cell in it"};
  for (std::size_t rank = 0; rank < rows.size(); ++rank)
    if (rows[rank].empty())
      throw error{error_kind::io, "plait::read_csv",
                  name + ": row " + std::to_string(rank + 1) + " is empty; each rank has passes"};
  if (static_cast<std::size_t>(stages) * static_cast<std::size_t>(micro) > 65536 + 4 * cells)
    throw error{error_kind::io, "plait::read_csv",
                name + ": its cells name " + std::to_string(stages) + " stages and " + std::to_string(micro) +
                    " micro-batches, far more than it has cells for; is one of the numbers a slip?"};

  const std::vector<std::vector<int>> held = detail::stages_of_rows(rows, stages);
  imported_orders result{.orders = {.name = std::move(name)}};
  orders& all = result.orders;
  std::size_t chunks = 1;
  for (const std::vector<int>& mine : held) chunks = std::max(chunks, mine.size());
  all.shape = {.ranks = static_cast<int>(rows.size()),
               .micro = micro,
               .chunks = static_cast<int>(chunks),
               .model_stages = stages};
  for (std::size_t rank = 0; rank < rows.size(); ++rank) {
    for (std::size_t chunk = 0; chunk < chunks; ++chunk)
      all.stage_of.push_back(static_cast<std::int16_t>(chunk < held[rank].size() ? held[rank][chunk] : -1));
    all.passes.emplace_back();
    result.columns.emplace_back();
    for (const detail::csv_place& one : rows[rank]) {
      const auto chunk = std::find(held[rank].begin(), held[rank].end(), one.cell.stage) - held[rank].begin();
      all.passes.back().push_back(
          {one.cell.kind, static_cast<std::int16_t>(chunk), static_cast<std::int16_t>(one.cell.micro), one.beside});
      result.columns.back().push_back(one.column);
    }
  }
  return result;
}

/// The same from a file. Throws: also io, when it cannot be read.
inline imported_orders load_csv(const std::string& file) {
  errno = 0;
  std::ifstream in{file, std::ios::binary};
  if (!in) throw error{error_kind::io, "plait::load_csv", "cannot read " + file + ": " + std::strerror(errno)};
  return read_csv(in, file);
}

/// How a pass or message of an order is written: `2F5`.
inline std::string cell_text(const orders& all, int rank, const pass& one) {
  return detail::csv_text(one.kind, all.stage(rank, one.chunk), one.micro);
}

/// Writes orders, without cells for idle slots. Their weight versions and the gradients that may be under way are lost:
/// the form has no place for them.
inline void write_csv(std::ostream& out, const orders& all) {
  for (int rank = 0; rank < all.shape.ranks; ++rank) {
    const std::vector<pass>& mine = all.passes[static_cast<std::size_t>(rank)];
    for (std::size_t i = 0; i < mine.size(); ++i) {
      if (i > 0) out << ',';
      if (i + 1 < mine.size() && mine[i + 1].beside) {
        out << '(' << cell_text(all, rank, mine[i]) << ';' << cell_text(all, rank, mine[i + 1]) << ")OVERLAP_F_B";
        ++i;
      } else {
        out << cell_text(all, rank, mine[i]);
      }
    }
    out << '\n';
  }
}

/// The same into a file. Throws: io, when it cannot be written.
inline void save_csv(const std::string& file, const orders& all) {
  errno = 0;
  std::ofstream out{file, std::ios::binary};
  if (out) write_csv(out, all);
  out.close();
  if (!out) throw error{error_kind::io, "plait::save_csv", "cannot write " + file + ": " + std::strerror(errno)};
}

/// Orders with the sends and receives that follow from their passes, each beside the pass that it belongs to.
/// Needs: orders of passes alone.   Throws: as `programs_of`.
inline orders with_messages(orders all) {
  const std::vector<program> programs = programs_of(all, {.optimize = false});
  for (std::size_t rank = 0; rank < programs.size(); ++rank) {
    all.passes[rank].clear();
    for (const action& act : programs[rank].actions)
      all.passes[rank].push_back({act.kind, act.chunk, act.micro, act.beside});
  }
  return all;
}

}  // namespace plait
