// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <plait/timeline/detail/text.hpp>
#include <plait/timeline/timeline.hpp>

namespace plait {

namespace detail {

/// Writes the events of traces one by one, with commas between.
class trace_writer {
 public:
  explicit trace_writer(std::ostream& out) : out_{out} {}

  void write(int process, const timeline& one) {
    name_event("process_name", process, 0, one.name);
    number_event("process_sort_index", process, 0, process);
    for (int rank = 0; rank < one.ranks; ++rank) {
      name_event("thread_name", process, rank, rank_name(one, rank));
      number_event("thread_sort_index", process, rank, rank);
    }
    for (const timeline_row& row : one.rows) action_event(process, row);
    flow_events(process, one);
  }

 private:
  std::ostream& event(std::string_view phase, int process, int thread) {
    out_ << (first_ ? "\n" : ",\n") << R"({"ph":")" << phase << R"(","pid":)" << process << R"(,"tid":)" << thread;
    first_ = false;
    return out_;
  }
  void name_event(std::string_view what, int process, int thread, std::string_view name) {
    event("M", process, thread) << R"(,"name":")" << what << R"(","args":{"name":")" << json_escaped(name) << "\"}}";
  }
  void number_event(std::string_view what, int process, int thread, int number) {
    event("M", process, thread) << R"(,"name":")" << what << R"(","args":{"sort_index":)" << number << "}}";
  }

  static std::string microseconds(double seconds) { return digits(seconds * 1e6); }

  void action_event(int process, const timeline_row& row) {
    event("X", process, row.rank) << R"(,"name":")" << name_of(row.kind);
    if (row.micro >= 0) out_ << ' ' << row.micro;
    out_ << R"(","cat":")" << (lane_of(row.kind) == lane::compute ? "compute" : "communication") << R"(","ts":)"
         << microseconds(row.begin) << R"(,"dur":)" << microseconds(row.end - row.begin) << R"(,"args":{)";
    std::string_view comma;
    const auto argument = [&](std::string_view name, std::int64_t value, bool applies) {
      if (!applies) return;
      out_ << comma << '"' << name << "\":" << value;
      comma = ",";
    };
    argument("stage", row.stage, row.stage >= 0);
    argument("micro", row.micro, row.micro >= 0);
    argument("chunk", row.chunk, row.chunk >= 0);
    argument("skip edge", row.edge, row.edge >= 0);
    argument("bytes", row.bytes, row.bytes > 0 || lane_of(row.kind) == lane::communication);
    out_ << "}}";
  }

  /// An arrow from each send to the pass that its receive is for. Where several replicas send the same message of the
  /// same step, the first sender's goes to the first receiver.
  void flow_events(int process, const timeline& one) {
    // Gradient, stage of the receiver, or skip edge below all stages, micro-batch.
    using message = std::tuple<bool, int, int>;
    std::map<message, std::vector<const timeline_row*>> sends, receives;
    for (const timeline_row& row : one.rows) {
      const bool gradient = row.kind == op::send_gradient || row.kind == op::receive_gradient;
      const int to = row.edge >= 0 ? -1 - row.edge : is_receive(row.kind) ? row.stage : row.stage + (gradient ? -1 : 1);
      if (is_send(row.kind)) sends[{gradient, to, row.micro}].push_back(&row);
      if (is_receive(row.kind)) receives[{gradient, to, row.micro}].push_back(&row);
    }
    const auto by_rank = [](const timeline_row* a, const timeline_row* b) { return a->rank < b->rank; };
    for (auto& [what, from] : sends) {
      auto& to = receives[what];
      if (from.size() != to.size()) continue;  // a part of a step
      std::stable_sort(from.begin(), from.end(), by_rank);
      std::stable_sort(to.begin(), to.end(), by_rank);
      const std::string_view name = std::get<0>(what) ? "gradient" : "activation";
      for (std::size_t i = 0; i < from.size(); ++i) {
        ++flows_;
        const auto end = [&](std::string_view phase, int rank, double at) {
          event(phase, process, rank) << R"(,"name":")" << name << R"(","cat":"message","id":)" << flows_ << R"(,"ts":)"
                                      << microseconds(at) << '}';
        };
        end("s", from[i]->rank, from[i]->begin);
        end("f", to[i]->rank, to[i]->end);
      }
    }
  }

  std::ostream& out_;
  bool first_ = true;
  int flows_ = 0;
};

}  // namespace detail

/// Writes timelines in the trace event format that Perfetto (ui.perfetto.dev) and chrome://tracing open: one process
/// for each timeline, one thread for each rank, one complete event for each row, an arrow for each message. Times in
/// microseconds.
///
/// Throws: usage, for rows whose times are not finite or run backwards.
/// Source: "Trace Event Format", the Chromium project.
inline void write_trace(std::ostream& out, std::span<const timeline> timelines) {
  detail::require_drawable(timelines, "plait::write_trace");
  out << R"({"displayTimeUnit":"ms","traceEvents":[)";
  detail::trace_writer writer{out};
  for (std::size_t i = 0; i < timelines.size(); ++i) writer.write(static_cast<int>(i), timelines[i]);
  out << "\n]}\n";
}

/// The same into a file. Throws: io, when it cannot be written.
inline void save_trace(const std::string& file, std::span<const timeline> timelines) {
  detail::save(file, "plait::save_trace", [&](std::ostream& out) { write_trace(out, timelines); });
}

}  // namespace plait
