// SPDX-License-Identifier: Apache-2.0
#pragma once
// The laws of the concept `communicator`, as tests that every model is put through. A file that includes this one says
// once which models with which numbers of ranks it has:
//
//     using threads = laws::model<plait::threads<plait::host>, 1, 2, 3>;
//     TYPE_TO_STRING_AS("threads", threads);
//     PLAIT_COMMUNICATOR_LAWS(threads, ...);

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <plait/comm/communicator.hpp>
#include <plait/comm/reduce_slices.hpp>
#include <plait/core/error.hpp>
#include <plait/core/ranges.hpp>
#include <plait/tensor/buffer.hpp>

#include <doctest/doctest.h>

namespace laws {

/// An engine and the numbers of ranks to run it with.
template <class Engine, int... Ranks>
struct model {
  using communicator_type = typename Engine::communicator_type;
  using space = typename communicator_type::space;

  /// Runs the body with each number of ranks.
  template <class Body>
  static void run(const Body& body) {
    (run(Ranks, body), ...);
  }
  template <class Body>
  static void run(int ranks, const Body& body) {
    CAPTURE(ranks);
    Engine{}.run(ranks, body);
  }
  static int most_ranks() { return std::max({Ranks...}); }
  /// Whether the error of a rank is caught where that rank was: always, unless ranks are processes.
  static bool is_here(int) { return true; }
};

/// A check on any rank. One function, because the macro costs the compiler much in every place.
inline void expect(bool holds, const char* what, int rank, std::size_t size = 0) {
  CHECK_MESSAGE(holds, what, ", on rank ", rank, ", size ", size);
}

/// Values in the memory of a space.
template <class T, class Space>
class cells {
 public:
  using stream = typename Space::stream;

  cells(const std::vector<T>& values, stream order) : data_{static_cast<std::int64_t>(values.size())}, order_{order} {
    write(values);
  }

  void write(const std::vector<T>& values) {
    if (!values.empty()) Space::upload(data_.data(), values.data(), values.size() * sizeof(T), order_);
  }
  /// Takes the values of another one, in order and without waiting.
  void copy_from(const cells& other, stream order) {
    Space::copy(data_.data(), other.data_.data(), other.all().size_bytes(), order);
  }
  [[nodiscard]] std::vector<T> read() const {
    std::vector<T> values(static_cast<std::size_t>(data_.size()));
    if (!values.empty()) Space::download(values.data(), data_.data(), values.size() * sizeof(T), order_);
    return values;
  }
  [[nodiscard]] std::span<T> all() const { return {data_.data(), static_cast<std::size_t>(data_.size())}; }
  [[nodiscard]] std::span<T> part(plait::index_range range) const {
    return all().subspan(static_cast<std::size_t>(range.begin), static_cast<std::size_t>(range.size()));
  }

 private:
  plait::buffer<T, Space> data_;
  stream order_;
};

/// Gives a stream so much to do that what follows in it is late.
template <class Space>
class burden {
 public:
  explicit burden(typename Space::stream order)
      : here_{std::vector<double>(500000), order}, there_{std::vector<double>(500000), order} {}
  void lay_on(typename Space::stream order) {
    for (int copy = 0; copy < 8; ++copy) here_.copy_from(there_, order);
  }

 private:
  cells<double, Space> here_, there_;
};

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

/// Integers small enough that every sum of them is exact in every type.
template <class T>
std::vector<T> whole_numbers(std::size_t size, int rank, int salt = 0) {
  std::vector<T> values(size);
  for (std::size_t i = 0; i < size; ++i) {
    values[i] = static_cast<T>((i * 7 + static_cast<std::size_t>(rank * 13 + salt * 29)) % 101);
  }
  return values;
}

/// Numbers of very different size and both signs, so that every order of addition gives other bits.
template <class T>
std::vector<T> rough_numbers(std::size_t size, int rank) {
  std::mt19937_64 random{static_cast<std::uint64_t>(rank) + 1};
  std::vector<T> values(size);
  for (T& value : values) {
    const double fraction = static_cast<double>(random() % 2000001) / 1000000.0 - 1.0;
    value = static_cast<T>(std::ldexp(fraction, static_cast<int>(random() % 40) - 20));
  }
  return values;
}

/// What the law says: from left to right in rank order, or from right to left, to see that the order matters.
template <class T, class Values>
std::vector<T> reduced_in_order(std::size_t size, std::vector<int> ranks, plait::reduction how,
                                const Values& values_of) {
  std::vector<T> total = values_of(size, ranks.front());
  for (std::size_t r = 1; r < ranks.size(); ++r) {
    const std::vector<T> next = values_of(size, ranks[r]);
    for (std::size_t i = 0; i < size; ++i) {
      total[i] = how == plait::reduction::sum ? static_cast<T>(total[i] + next[i]) : std::max(total[i], next[i]);
    }
  }
  return total;
}

inline std::vector<int> first_ranks(int count) {
  std::vector<int> ranks;
  for (int rank = 0; rank < count; ++rank) ranks.push_back(rank);
  return ranks;
}

/// Sizes with no elements, fewer elements than ranks, uneven parts, and both sides of every cut-off.
inline std::vector<std::size_t> sizes() {
  return {0, 1, 3, 7, 64, 1000, 1024, 1025, 2048, 2049, 4097, 40001};
}

template <class T, class Model>
void reduces_whole_numbers_exactly() {
  Model::run([](auto& group) {
    const typename Model::space::owned_stream owned;
    const typename Model::space::stream order = owned;
    for (const plait::reduction how : {plait::reduction::sum, plait::reduction::max}) {
      for (const std::size_t size : sizes()) {
        const auto expected = reduced_in_order<T>(size, first_ranks(group.size()), how,
                                                  [](std::size_t n, int rank) { return whole_numbers<T>(n, rank); });
        cells<T, typename Model::space> values{whole_numbers<T>(size, group.rank()), order};
        group.all_reduce(values.all(), how, order);
        expect(same_bits(values.read(), expected), "all_reduce is exact", group.rank(), size);
      }
    }
  });
}

}  // namespace laws

TEST_CASE_TEMPLATE_DEFINE("messages of one sender, receiver and channel arrive in order", Model, law_messages) {
  using laws::whole_numbers;
  Model::run([](auto& group) {
    using values_type = laws::cells<float, typename Model::space>;
    const typename Model::space::owned_stream owned;
    const typename Model::space::stream order = owned;
    const auto values_of = [](int from, int to, int channel, int message) {
      return whole_numbers<float>(static_cast<std::size_t>(message % 5 * 100), from * 8 + to, channel * 64 + message);
    };
    // More than the first ring holds, all sent before anything is received.
    constexpr int messages = 50;
    std::vector<values_type> sent;
    std::vector<plait::ticket> tickets;
    for (int message = 0; message < messages; ++message) {
      for (int peer = 0; peer < group.size(); ++peer) {
        for (int channel = 0; channel < 2; ++channel) {
          sent.emplace_back(values_of(group.rank(), peer, channel, message), order);
          tickets.push_back(group.send(sent.back().all(), peer, channel, order));
          laws::expect(tickets.back().number == static_cast<std::uint64_t>(message) + 1, "message as sent",
                       group.rank());
        }
      }
    }
    // Channel 1 of every peer before channel 0: channels do not wait for each other. What is received is kept, since
    // giving device memory back would wait for the messages that this rank has sent and nobody has received yet.
    std::vector<values_type> received;
    for (int channel = 1; channel >= 0; --channel) {
      for (int peer = group.size() - 1; peer >= 0; --peer) {
        for (int message = 0; message < messages; ++message) {
          const auto expected = values_of(peer, group.rank(), channel, message);
          values_type& got = received.emplace_back(std::vector<float>(expected.size(), -1), order);
          group.receive(got.all(), peer, channel, order);
          laws::expect(laws::same_bits(got.read(), expected), "message as sent", group.rank());
        }
      }
    }
    while (!tickets.empty()) {
      group.wait(tickets.back(), order);
      tickets.pop_back();
    }
    group.wait(plait::ticket{}, order);
    order.synchronize();
  });
}

TEST_CASE_TEMPLATE_DEFINE("a buffer may change once its ticket has been waited for", Model, law_tickets) {
  Model::run([](auto& group) {
    using values_type = laws::cells<std::int32_t, typename Model::space>;
    const typename Model::space::owned_stream owned;
    const typename Model::space::stream order = owned;
    const int next = (group.rank() + 1) % group.size();
    const int previous = (group.rank() + group.size() - 1) % group.size();
    values_type out{std::vector<std::int32_t>(3000), order}, in{std::vector<std::int32_t>(3000), order};
    for (int round = 0; round < 60; ++round) {
      out.write(laws::whole_numbers<std::int32_t>(3000, group.rank(), round));
      const plait::ticket sent = group.send(out.all(), next, 3, order);
      group.receive(in.all(), previous, 3, order);
      group.wait(sent, order);
      out.write(std::vector<std::int32_t>(3000, -1));
      laws::expect(laws::same_bits(in.read(), laws::whole_numbers<std::int32_t>(3000, previous, round)),
                   "message as sent, not as overwritten", group.rank());
    }
    order.synchronize();
  });
}

TEST_CASE_TEMPLATE_DEFINE("a message has the values that its stream gives it, however late", Model, law_late_values) {
  Model::run([](auto& group) {
    using values_type = laws::cells<std::int32_t, typename Model::space>;
    const typename Model::space::owned_stream owned, other_owned;
    const typename Model::space::stream order = owned, other_order = other_owned;
    const int next = (group.rank() + 1) % group.size();
    const int previous = (group.rank() + group.size() - 1) % group.size();
    laws::burden<typename Model::space> burden{order};
    const auto values_of = [](int rank, int message) { return laws::whole_numbers<std::int32_t>(900, rank, message); };
    const values_type nothing{std::vector<std::int32_t>(900, -1), order};

    // Sixteen messages, and one more that takes the first one's place in the queue.
    constexpr int messages = 17;
    std::vector<values_type> given, out, in;
    for (int message = 0; message < messages; ++message) {
      given.emplace_back(values_of(group.rank(), message), order);
      out.emplace_back(std::vector<std::int32_t>(900), order);
      in.emplace_back(std::vector<std::int32_t>(900), order);
    }
    std::vector<plait::ticket> tickets;
    const auto pass_on = [&](int message) {
      const auto at = static_cast<std::size_t>(message);
      out[at].copy_from(given[at], order);
      tickets.push_back(group.send(out[at].all(), next, 0, order));
    };
    burden.lay_on(order);
    for (int message = 0; message + 1 < messages; ++message) pass_on(message);
    for (int message = 0; message + 1 < messages; ++message) {
      group.receive(in[static_cast<std::size_t>(message)].all(), previous, 0, other_order);
    }
    group.barrier(other_order);  // now all are taken, and perhaps not yet copied
    pass_on(messages - 1);
    group.receive(in.back().all(), previous, 0, other_order);
    for (int message = 0; message < messages; ++message) {
      const auto at = static_cast<std::size_t>(message);
      group.wait(tickets[at], order);
      out[at].copy_from(nothing, order);
    }
    order.synchronize();
    other_order.synchronize();
    for (int message = 0; message < messages; ++message) {
      laws::expect(laws::same_bits(in[static_cast<std::size_t>(message)].read(), values_of(previous, message)),
                   "message as its stream made it", group.rank());
    }
  });
}

TEST_CASE_TEMPLATE_DEFINE("a ticket is complete for every stream, also when later messages have followed", Model,
                          law_old_tickets) {
  Model::run([](auto& group) {
    using values_type = laws::cells<std::int32_t, typename Model::space>;
    const typename Model::space::owned_stream owned, late_owned, quick_owned;
    const typename Model::space::stream order = owned, late = late_owned, quick = quick_owned;
    const int next = (group.rank() + 1) % group.size();
    const int previous = (group.rank() + group.size() - 1) % group.size();
    laws::burden<typename Model::space> burden{order};
    const auto mine = laws::whole_numbers<std::int32_t>(900, group.rank());
    const values_type nothing{std::vector<std::int32_t>(900, -1), order};
    values_type first{mine, order}, got{std::vector<std::int32_t>(900), order};
    const values_type other{{1}, order};
    values_type ignored{{0}, order};

    const plait::ticket old = group.send(first.all(), next, 0, order);
    std::vector<plait::ticket> tickets;
    for (int message = 0; message < 15; ++message) tickets.push_back(group.send(other.all(), next, 0, order));
    burden.lay_on(late);
    group.receive(got.all(), previous, 0, late);  // copied late
    for (int message = 0; message < 15; ++message) group.receive(ignored.all(), previous, 0, late);
    group.barrier(quick);
    tickets.push_back(group.send(other.all(), next, 0, order));  // in the place of the first message
    group.receive(ignored.all(), previous, 0, late);
    group.wait(old, quick);
    first.copy_from(nothing, quick);
    for (const plait::ticket& sent : tickets) group.wait(sent, order);
    for (const auto& one : {order, late, quick}) one.synchronize();
    laws::expect(laws::same_bits(got.read(), laws::whole_numbers<std::int32_t>(900, previous)),
                 "message as sent, not as overwritten", group.rank());
  });
}

TEST_CASE_TEMPLATE_DEFINE("collectives in several streams of a rank do not disturb each other", Model, law_streams) {
  Model::run([](auto& group) {
    using values_type = laws::cells<float, typename Model::space>;
    const typename Model::space::owned_stream owned, quick_owned;
    const typename Model::space::stream order = owned, quick = quick_owned;
    laws::burden<typename Model::space> burden{order};
    for (const std::size_t size : {std::size_t{50}, std::size_t{20000}}) {
      std::vector<values_type> values;
      const auto values_of = [](int rank, int call, std::size_t n) {
        return laws::whole_numbers<float>(n, rank, call);
      };
      for (int call = 0; call < 6; ++call) values.emplace_back(values_of(group.rank(), call, size), order);
      for (int call = 0; call < 6; ++call) {
        // The last rank comes late to the calls of one stream, those of the other overtake them.
        if (call % 3 == 0 && group.rank() == group.size() - 1) burden.lay_on(order);
        group.all_reduce(values[static_cast<std::size_t>(call)].all(), plait::reduction::sum,
                         call % 3 == 0 ? order : quick);
      }
      order.synchronize();
      quick.synchronize();
      for (int call = 0; call < 6; ++call) {
        const auto expected =
            laws::reduced_in_order<float>(size, laws::first_ranks(group.size()), plait::reduction::sum,
                                          [&](std::size_t n, int rank) { return values_of(rank, call, n); });
        laws::expect(laws::same_bits(values[static_cast<std::size_t>(call)].read(), expected), "sum of its own call",
                     group.rank(), size);
      }
    }
  });
}

TEST_CASE_TEMPLATE_DEFINE("all_reduce gives every rank the exact result, for every type", Model, law_all_reduce) {
  laws::reduces_whole_numbers_exactly<float, Model>();
  laws::reduces_whole_numbers_exactly<double, Model>();
  laws::reduces_whole_numbers_exactly<std::int32_t, Model>();
  laws::reduces_whole_numbers_exactly<std::int64_t, Model>();
  laws::reduces_whole_numbers_exactly<std::uint64_t, Model>();
}

TEST_CASE_TEMPLATE_DEFINE("all_reduce adds real numbers in rank order, to the bit", Model, law_rank_order) {
  using laws::rough_numbers;
  Model::run([](auto& group) {
    const typename Model::space::owned_stream owned;
    const typename Model::space::stream order = owned;
    for (const std::size_t size : {std::size_t{33}, std::size_t{2500}, std::size_t{30011}}) {
      const auto values_of = [](std::size_t n, int rank) { return rough_numbers<float>(n, rank); };
      std::vector<int> ranks = laws::first_ranks(group.size());
      const auto expected = laws::reduced_in_order<float>(size, ranks, plait::reduction::sum, values_of);
      if (group.size() > 2) {
        const std::vector<int> backwards{ranks.rbegin(), ranks.rend()};
        laws::expect(!laws::same_bits(laws::reduced_in_order<float>(size, backwards, plait::reduction::sum, values_of),
                                      expected),
                     "another order gives other bits", group.rank(), size);
      }
      laws::cells<float, typename Model::space> values{rough_numbers<float>(size, group.rank()), order};
      group.all_reduce(values.all(), plait::reduction::sum, order);
      laws::expect(laws::same_bits(values.read(), expected), "bits of the sum in rank order", group.rank(), size);

      const auto part = plait::balanced_part(static_cast<std::int64_t>(size), group.size(), group.rank());
      const laws::cells<float, typename Model::space> whole{rough_numbers<float>(size, group.rank()), order};
      laws::cells<float, typename Model::space> mine{std::vector<float>(static_cast<std::size_t>(part.size())), order};
      group.reduce_scatter(whole.all(), mine.all(), plait::reduction::sum, order);
      laws::expect(laws::same_bits(mine.read(), {expected.begin() + part.begin, expected.begin() + part.end}),
                   "bits of the sum in rank order", group.rank(), size);
      laws::expect(laws::same_bits(whole.read(), rough_numbers<float>(size, group.rank())),
                   "bits of the sum in rank order", group.rank(), size);
    }
  });
}

TEST_CASE_TEMPLATE_DEFINE("max keeps a value that is not a number", Model, law_not_a_number) {
  Model::run([](auto& group) {
    const typename Model::space::owned_stream owned;
    const typename Model::space::stream order = owned;
    for (const std::size_t size : {std::size_t{4}, std::size_t{5000}}) {
      for (int bad = 0; bad < group.size(); ++bad) {
        std::vector<float> mine(size, static_cast<float>(group.rank()));
        if (group.rank() == bad) mine[size - 1] = std::numeric_limits<float>::quiet_NaN();
        laws::cells<float, typename Model::space> values{mine, order};
        group.all_reduce(values.all(), plait::reduction::max, order);
        const std::vector<float> got = values.read();
        laws::expect(got[0] == static_cast<float>(group.size() - 1), "max over the ranks", group.rank(), size);
        laws::expect(got[size - 1] != got[size - 1], "max over the ranks", group.rank(), size);
      }
    }
  });
}

TEST_CASE_TEMPLATE_DEFINE("all_gather of the parts that reduce_scatter gives is all_reduce", Model, law_parts) {
  Model::run([](auto& group) {
    using values_type = laws::cells<double, typename Model::space>;
    const typename Model::space::owned_stream owned;
    const typename Model::space::stream order = owned;
    for (const plait::reduction how : {plait::reduction::sum, plait::reduction::max}) {
      for (const std::size_t size : laws::sizes()) {
        const auto part = plait::balanced_part(static_cast<std::int64_t>(size), group.size(), group.rank());
        const auto expected = laws::reduced_in_order<double>(
            size, laws::first_ranks(group.size()), how,
            [](std::size_t n, int rank) { return laws::whole_numbers<double>(n, rank); });
        values_type in{laws::whole_numbers<double>(size, group.rank()), order};
        values_type mine{std::vector<double>(static_cast<std::size_t>(part.size())), order};
        values_type whole{std::vector<double>(size, -1), order};
        group.reduce_scatter(in.all(), mine.all(), how, order);
        laws::expect(laws::same_bits(mine.read(), {expected.begin() + part.begin, expected.begin() + part.end}),
                     "parts and whole agree", group.rank(), size);
        group.all_gather(mine.all(), whole.all(), order);
        laws::expect(laws::same_bits(whole.read(), expected), "parts and whole agree", group.rank(), size);

        group.reduce_scatter(in.all(), in.part(part), how, order);  // in place
        group.all_gather(in.part(part), in.all(), order);
        laws::expect(laws::same_bits(in.read(), expected), "parts and whole agree", group.rank(), size);
      }
    }
  });
}

TEST_CASE_TEMPLATE_DEFINE("broadcast gives every rank the values of the root", Model, law_broadcast) {
  Model::run([](auto& group) {
    const typename Model::space::owned_stream owned;
    const typename Model::space::stream order = owned;
    for (const std::size_t size : laws::sizes()) {
      for (int root = 0; root < group.size(); ++root) {
        laws::cells<std::uint64_t, typename Model::space> values{laws::whole_numbers<std::uint64_t>(size, group.rank()),
                                                                 order};
        group.broadcast(values.all(), root, order);
        laws::expect(laws::same_bits(values.read(), laws::whole_numbers<std::uint64_t>(size, root)),
                     "values of the root", group.rank(), size);
      }
    }
  });
}

TEST_CASE_TEMPLATE_DEFINE("barrier lets none pass before all have come", Model, law_barrier) {
  Model::run([](auto& group) {
    const typename Model::space::owned_stream owned;
    const typename Model::space::stream order = owned;
    const auto now = [] {
      return static_cast<std::int64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    };
    for (int late = 0; late < group.size(); ++late) {
      if (group.rank() == late) std::this_thread::sleep_for(std::chrono::milliseconds{5});
      const std::int64_t came = now();
      group.barrier(order);
      order.synchronize();
      const std::int64_t passed = now();
      laws::cells<std::int64_t, typename Model::space> last{{came}, order};
      group.all_reduce(last.all(), plait::reduction::max, order);
      laws::expect(last.read()[0] <= passed, "all had come", group.rank());
    }
  });
}

TEST_CASE_TEMPLATE_DEFINE("split makes groups of equal color, ordered by key and then by rank", Model, law_split) {
  Model::run([](auto& world) {
    using values_type = laws::cells<float, typename Model::space>;
    const typename Model::space::owned_stream owned;
    const typename Model::space::stream order = owned;
    const int color = world.rank() % 2;
    auto section = world.split(color, -world.rank());  // backwards
    laws::expect(section.size() == (world.size() + (color == 0 ? 1 : 0)) / 2, "group as split says", world.rank());
    laws::expect(section.rank() == section.size() - 1 - world.rank() / 2, "group as split says", world.rank());
    auto even_keys = world.split(0, 7);
    laws::expect(even_keys.rank() == world.rank(), "group as split says", world.rank());
    laws::expect(even_keys.size() == world.size(), "group as split says", world.rank());
    auto alone = world.split(world.rank(), 0);
    laws::expect(alone.size() == 1, "group as split says", world.rank());
    laws::expect(alone.rank() == 0, "group as split says", world.rank());

    std::vector<int> members;  // of section, in its order
    for (int rank = world.size() - 1; rank >= 0; --rank) {
      if (rank % 2 == color) members.push_back(rank);
    }
    for (const std::size_t size : {std::size_t{5}, std::size_t{4001}}) {
      // The two sections make different numbers of calls before the world meets again.
      const auto rough = [](std::size_t n, int rank) { return laws::rough_numbers<float>(n, rank); };
      for (int call = 0; call < 1 + 3 * color; ++call) {
        values_type values{rough(size, world.rank()), order};
        section.all_reduce(values.all(), plait::reduction::sum, order);
        laws::expect(
            laws::same_bits(values.read(), laws::reduced_in_order<float>(size, members, plait::reduction::sum, rough)),
            "group as split says", world.rank());
      }
      values_type values{laws::whole_numbers<float>(size, world.rank()), order};
      alone.all_reduce(values.all(), plait::reduction::sum, order);
      laws::expect(laws::same_bits(values.read(), laws::whole_numbers<float>(size, world.rank())),
                   "group as split says", world.rank());
      even_keys.broadcast(values.all(), world.size() - 1, order);
      laws::expect(laws::same_bits(values.read(), laws::whole_numbers<float>(size, world.size() - 1)),
                   "group as split says", world.rank());
    }

    // Messages of two groups between the same two ranks on the same channel do not meet.
    const values_type one{{1}, order}, two{{2}, order};
    values_type got{{0}, order};
    const int next = (section.rank() + 1) % section.size();
    const int previous = (section.rank() + section.size() - 1) % section.size();
    const plait::ticket sent_in_world = world.send(one.all(), members[static_cast<std::size_t>(next)], 0, order);
    const plait::ticket sent_in_half = section.send(two.all(), next, 0, order);
    section.receive(got.all(), previous, 0, order);
    laws::expect(got.read()[0] == 2, "group as split says", world.rank());
    world.receive(got.all(), members[static_cast<std::size_t>(previous)], 0, order);
    laws::expect(got.read()[0] == 1, "group as split says", world.rank());
    section.wait(sent_in_half, order);
    world.wait(sent_in_world, order);

    auto quarter = section.split(section.rank() % 2, section.rank());
    values_type ones{std::vector<float>(3, 1), order};
    quarter.all_reduce(ones.all(), plait::reduction::sum, order);
    laws::expect(ones.read() == std::vector<float>(3, static_cast<float>(quarter.size())), "group as split says",
                 world.rank());
  });
}

TEST_CASE_TEMPLATE_DEFINE("any order of calls on any groups gives what it should", Model, law_mixture) {
  Model::run([](auto& world) {
    using values_type = laws::cells<float, typename Model::space>;
    const typename Model::space::owned_stream owned;
    const typename Model::space::stream order = owned;
    auto section = world.split(world.rank() * 2 / world.size(), 0);
    const int first = world.rank() - section.rank();
    std::mt19937 same_everywhere{11};
    for (int call = 0; call < 150; ++call) {
      auto& group = same_everywhere() % 3 == 0 ? section : world;
      const int base = &group == &section ? first : 0;
      const std::size_t size = same_everywhere() % (same_everywhere() % 2 == 0 ? 100 : 9000);
      const auto part = plait::balanced_part(static_cast<std::int64_t>(size), group.size(), group.rank());
      const auto values_of = [&](std::size_t n, int rank) { return laws::whole_numbers<float>(n, base + rank, call); };
      const auto total =
          laws::reduced_in_order<float>(size, laws::first_ranks(group.size()), plait::reduction::sum, values_of);
      const std::vector<float> total_part{total.begin() + part.begin, total.begin() + part.end};
      values_type mine{values_of(size, group.rank()), order};
      values_type other{std::vector<float>(size, -1), order};
      switch (same_everywhere() % 6) {
        case 0:
          group.all_reduce(mine.all(), plait::reduction::sum, order);
          laws::expect(laws::same_bits(mine.read(), total), "right values in a mixture of calls", world.rank(), size);
          break;
        case 1:
          group.reduce_scatter(mine.all(), other.part(part), plait::reduction::sum, order);
          laws::expect(laws::same_bits(values_type{total_part, order}.read(), total_part),
                       "right values in a mixture of calls", world.rank(), size);
          group.all_gather(other.part(part), other.all(), order);
          laws::expect(laws::same_bits(other.read(), total), "right values in a mixture of calls", world.rank(), size);
          break;
        case 2: {
          const int root = static_cast<int>(size) % group.size();
          group.broadcast(mine.all(), root, order);
          laws::expect(laws::same_bits(mine.read(), values_of(size, root)), "right values in a mixture of calls",
                       world.rank(), size);
          break;
        }
        case 3:
          group.barrier(order);
          break;
        case 4: {
          const int next = (group.rank() + 1) % group.size();
          const int previous = (group.rank() + group.size() - 1) % group.size();
          const plait::ticket sent = group.send(std::span<const float>{mine.all()}, next, 1, order);
          group.receive(other.all(), previous, 1, order);
          laws::expect(laws::same_bits(other.read(), values_of(size, previous)), "right values in a mixture of calls",
                       world.rank(), size);
          group.wait(sent, order);
          order.synchronize();
          break;
        }
        default: {  // a group that lives for one call
          auto pair = group.split(group.rank() / 2, 0);
          pair.all_reduce(mine.all(), plait::reduction::sum, order);
          std::vector<int> ranks{group.rank() / 2 * 2};
          if (pair.size() == 2) ranks.push_back(ranks[0] + 1);
          laws::expect(laws::same_bits(mine.read(),
                                       laws::reduced_in_order<float>(size, ranks, plait::reduction::sum, values_of)),
                       "right values in a mixture of calls", world.rank(), size);
        }
      }
    }
  });
}

TEST_CASE_TEMPLATE_DEFINE("a rank that throws stops the world with an error that names it", Model, law_failure) {
  const int ranks = Model::most_ranks();
  const auto begin = std::chrono::steady_clock::now();
  std::string text;
  int rank = -1;
  try {
    Model::run(ranks, [](auto& group) {
      const typename Model::space::owned_stream owned;
      const typename Model::space::stream order = owned;
      group.doing({"adding up", 1, 2});
      group.barrier(order);
      if (group.rank() == group.size() - 1)
        throw plait::error{plait::error_kind::io, "loader", "there is no more data"};
      group.barrier(order);
    });
  } catch (const plait::error& failure) {
    CHECK(failure.kind() == (Model::is_here(ranks - 1) ? plait::error_kind::io : plait::error_kind::comm));
    text = failure.what();
    rank = failure.rank();
  }
  CHECK(rank == ranks - 1);
  CHECK(text.starts_with(Model::is_here(ranks - 1) ? "plait: io: " : "plait: comm: "));
  CHECK(text.find(": loader: there is no more data\n  rank 0: adding up stage 1 micro 2") != std::string::npos);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{20});
}

/// Puts models through all laws.
#define PLAIT_COMMUNICATOR_LAWS(...)                        \
  TEST_CASE_TEMPLATE_INVOKE(law_messages, __VA_ARGS__);     \
  TEST_CASE_TEMPLATE_INVOKE(law_tickets, __VA_ARGS__);      \
  TEST_CASE_TEMPLATE_INVOKE(law_late_values, __VA_ARGS__);  \
  TEST_CASE_TEMPLATE_INVOKE(law_old_tickets, __VA_ARGS__);  \
  TEST_CASE_TEMPLATE_INVOKE(law_streams, __VA_ARGS__);      \
  TEST_CASE_TEMPLATE_INVOKE(law_all_reduce, __VA_ARGS__);   \
  TEST_CASE_TEMPLATE_INVOKE(law_rank_order, __VA_ARGS__);   \
  TEST_CASE_TEMPLATE_INVOKE(law_not_a_number, __VA_ARGS__); \
  TEST_CASE_TEMPLATE_INVOKE(law_parts, __VA_ARGS__);        \
  TEST_CASE_TEMPLATE_INVOKE(law_broadcast, __VA_ARGS__);    \
  TEST_CASE_TEMPLATE_INVOKE(law_barrier, __VA_ARGS__);      \
  TEST_CASE_TEMPLATE_INVOKE(law_split, __VA_ARGS__);        \
  TEST_CASE_TEMPLATE_INVOKE(law_mixture, __VA_ARGS__);      \
  TEST_CASE_TEMPLATE_INVOKE(law_failure, __VA_ARGS__)
