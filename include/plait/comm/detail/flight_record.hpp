// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <plait/comm/communicator.hpp>
#include <plait/comm/detail/activity_ring.hpp>
#include <plait/comm/detail/failure.hpp>
#include <plait/comm/detail/note.hpp>
#include <plait/core/error.hpp>
#include <plait/core/json_escaped.hpp>

namespace plait::detail {

/// An activity that may be another process's, so its text is its own.
struct past_activity {
  std::string what;
  int stage = -1;
  int micro = -1;
  int peer = -1;
};

inline past_activity past(const activity& one) {
  return {one.what, one.stage, one.micro, one.peer};
}

/// Where one rank stood when a run failed, and what it had done before.
struct rank_record {
  int rank = 0;
  std::string coordinates{};          ///< its place in the layout, if that is known
  std::string state{};                ///< "" while it runs; else "finished", "gone", "silent for 4.8 s"
  std::vector<past_activity> last{};  ///< the oldest first; the last is what it does now
  std::string call{};                 ///< that it is blocked in, if it is
  std::string with{};                 ///< as in `waiting_note`
  int peer = -1;
  int channel = -1;
};

/// What a rank of this process says of itself.
inline rank_record record_of(int rank, std::string coordinates, const activity_ring& did, const note_cell& waits) {
  rank_record record{.rank = rank, .coordinates = std::move(coordinates)};
  for (const activity& one : did.latest(activity_ring::room)) record.last.push_back(past(one));
  if (const waiting_note now = waiting_of(waits.read()); now.call != nullptr) {
    record.call = now.call;
    record.with = now.with;
    record.peer = now.peer;
    record.channel = now.channel;
  }
  return record;
}

/// "forward stage 1 micro 3"
inline std::string describe(const past_activity& one) {
  std::string text = one.what;
  if (one.stage >= 0) text.append(" stage ").append(std::to_string(one.stage));
  if (one.micro >= 0) text.append(" micro ").append(std::to_string(one.micro));
  if (one.peer >= 0) text.append(" peer ").append(std::to_string(one.peer));
  return text;
}

/// "forward stage 1 micro 3, waiting in receive from rank 0, channel 1; before: backward stage 1 micro 0, ...", the
/// latest of what was before first.
inline std::string describe(const rank_record& record) {
  constexpr std::size_t shown = 3;
  if (record.state == "finished") return record.state;
  std::string text = record.state;
  if (!text.empty()) text.append(record.last.empty() ? ", did " : ", last known to do ");
  text.append(record.last.empty() ? "nothing yet" : describe(record.last.back()));
  if (!record.call.empty())
    text.append(", ").append(
        describe(waiting_note{record.call.c_str(), record.with.c_str(), record.peer, record.channel}));
  for (std::size_t back = 2; back <= std::min(record.last.size(), shown + 1); ++back)
    text.append(back == 2 ? "; before: " : ", ").append(describe(record.last[record.last.size() - back]));
  return text;
}

/// One line for each rank, each with a line break before it.
inline std::string report_of(const std::vector<rank_record>& records) {
  std::string text;
  for (const rank_record& one : records)
    text.append("\n  ").append(rank_text(one.rank, one.coordinates)).append(": ").append(describe(one));
  return text;
}

/// The flight record as JSON: the failure, and for each rank its state, the call it is blocked in, and its last
/// activities, the oldest first.
inline std::string flight_record_text(const error& cause, const std::vector<rank_record>& records) {
  const auto text_of = [](std::string_view text) { return std::string{"\""}.append(json_escaped(text)).append("\""); };
  const auto number = [](int value) { return value < 0 ? std::string{"null"} : std::to_string(value); };
  std::string text = "{\n  \"failure\": {\"kind\": ";
  text.append(text_of(name_of(cause.kind()))).append(", \"call\": ").append(text_of(cause.call()));
  text.append(", \"sentence\": ").append(text_of(cause.sentence()));
  text.append(", \"rank\": ").append(number(cause.rank()));
  text.append(", \"coordinates\": ").append(text_of(cause.coordinates())).append("},\n  \"ranks\": [");
  for (const rank_record& one : records) {
    text.append(&one == records.data() ? "\n" : ",\n");
    text.append("    {\"rank\": ").append(std::to_string(one.rank));
    text.append(", \"coordinates\": ").append(text_of(one.coordinates));
    text.append(", \"state\": ").append(text_of(one.state.empty() ? "running" : one.state));
    text.append(", \"waiting\": ");
    if (one.call.empty()) {
      text.append("null");
    } else {
      text.append("{\"call\": ").append(text_of(one.call)).append(", \"with\": ").append(text_of(one.with));
      text.append(", \"peer\": ").append(number(one.peer)).append(", \"channel\": ").append(number(one.channel));
      text.append("}");
    }
    text.append(",\n     \"last\": [");
    for (const past_activity& did : one.last) {
      text.append(&did == one.last.data() ? "\n" : ",\n");
      text.append("       {\"what\": ").append(text_of(did.what)).append(", \"stage\": ").append(number(did.stage));
      text.append(", \"micro\": ").append(number(did.micro)).append(", \"peer\": ").append(number(did.peer));
      text.append("}");
    }
    text.append("]}");
  }
  return text.append("\n  ]\n}\n");
}

/// Writes the flight record. A failure to write must not hide the failure that it tells of: it is told on stderr.
inline void save_flight_record(const std::string& file, const error& cause, const std::vector<rank_record>& records) {
  if (file.empty()) return;
  std::ofstream out{file, std::ios::binary};
  out << flight_record_text(cause, records);
  out.close();
  if (!out) std::fprintf(stderr, "plait: io: flight_record: cannot write %s\n", file.c_str());
}

}  // namespace plait::detail
