// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <plait/solve/table.hpp>

namespace plait::detail {

/// Names of things that are numbered, of which all may have one, or none: one text, and where in it each name stands.
///
/// A name that is given again takes the place of the one before where it fits. Instead of a std::vector of strings,
/// because including that costs compilers as much as a tenth of the solver.
class name_list {
 public:
  /// The name of `at`; empty where none was given.
  [[nodiscard]] std::string_view of(int at) const {
    if (at >= length_.size()) return {};
    return std::string_view{text_}.substr(begin_[at], length_[at]);
  }
  void set(int at, std::string_view name) {
    if (at >= length_.size()) resize(at + 1);
    if (name.size() <= length_[at]) {
      text_.replace(begin_[at], name.size(), name);
    } else {
      begin_[at] = text_.size();
      text_.append(name);
    }
    length_[at] = name.size();
  }
  /// `to` is called what `from` was, and `from` nothing: no two share a place in the text.
  void move(int from, int to) {
    if (from == to || to >= length_.size()) return;
    const bool named = from < length_.size();
    begin_[to] = named ? begin_[from] : 0;
    length_[to] = named ? length_[from] : 0;
    if (named) length_[from] = 0;
  }
  void clear() {
    text_.clear();
    resize(0);
  }
  /// Forgets all names from `count` on.
  void shrink(int count) {
    if (count < length_.size()) resize(count);
  }

 private:
  void resize(int count) {
    begin_.resize(count, 0);
    length_.resize(count, 0);
  }
  std::string text_;
  table<std::size_t> begin_, length_;
};

}  // namespace plait::detail
