// SPDX-License-Identifier: Apache-2.0
#pragma once

// Measured throughputs in the form {worker type: {"('MODEL', GANG)": {"null": alone, "('OTHER', GANG)": [first,
// second]}}} in steps/s of the whole gang: read for share_cluster and simulate_cluster.

#include <map>
#include <string>
#include <vector>

#include <plait/alloc.hpp>

#include "cluster_input.hpp"
#include "cluster_json.hpp"

namespace cluster_files {

class throughput_oracle {
 public:
  explicit throughput_oracle(const json& from) : from_{from} {
    if (!from_.is_object()) refuse("the oracle must be an object of worker types");
  }

  /// Steps/s alone. Refuses what is not there; `where` names who asks.
  [[nodiscard]] double alone(const std::string& type, const std::string& key, const std::string& where) const {
    const json& table = table_of(type);
    if (!table.contains(key)) refuse(where + " is " + shown(key) + ", which the oracle does not have for " + type);
    const json& entry = table.at(key);
    const std::string field = "the oracle's " + shown(key) + " for " + type;
    if (!entry.is_object()) refuse(field + " must be an object");
    return entry.contains("null") ? amount(entry.at("null"), field, rate_range) : 0.0;
  }

  /// Steps/s alone of a gang that is spread over servers, from the type's table `TYPE_unconsolidated`; 0: not measured.
  [[nodiscard]] double spread(const std::string& type, const std::string& key, const std::string& where) const {
    const std::string table = type.substr(0, type.find('@')).append("_unconsolidated");
    return table_of(table).contains(key) ? alone(table, key, where) : 0.0;
  }

  /// Steps/s of all pairs of kinds, where `kinds` numbers keys.
  [[nodiscard]] std::vector<plait::pair_rate> pairs(const std::map<std::string, int>& kinds,
                                                    const plait::cluster& where) const {
    std::vector<plait::pair_rate> made;
    for (int j = 0; j < where.size(); ++j) {
      const json& table = table_of(where.types[static_cast<std::size_t>(j)].name);
      for (const auto& [first, a] : kinds) {
        if (!table.contains(first)) continue;
        for (const auto& [second, b] : kinds) {
          if (b < a || !table.at(first).is_object() || !table.at(first).contains(second)) continue;
          const json& rate = table.at(first).at(second);
          const std::string field = "the oracle's pair of " + shown(first) + " and " + shown(second) + " for " +
                                    where.types[static_cast<std::size_t>(j)].name;
          if (!rate.is_array() || rate.size() != 2) refuse(field + " must be a list of two numbers");
          made.push_back({.first_kind = a,
                          .second_kind = b,
                          .type = j,
                          .first = amount(rate[0], field, rate_range),
                          .second = amount(rate[1], field, rate_range)});
        }
      }
    }
    return made;
  }

 private:
  /// Workers in several places are of one model: `v100@aws/east` is looked up as `v100`.
  [[nodiscard]] const json& table_of(const std::string& name) const {
    const std::string type = name.substr(0, name.find('@'));
    if (!from_.contains(type)) refuse("the oracle has no worker type '" + shown(type) + "'");
    if (!from_.at(type).is_object()) refuse("the oracle's " + shown(type) + " must be an object");
    return from_.at(type);
  }
  const json& from_;
};

}  // namespace cluster_files
