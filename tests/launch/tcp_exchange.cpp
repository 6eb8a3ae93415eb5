// SPDX-License-Identifier: Apache-2.0
// Rank 0 gives a blob to the others, and to nobody else, whoever else connects; and no wait lasts past its deadline.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/launch/tcp_exchange.hpp>

#include <doctest/doctest.h>

namespace detail = plait::detail;
using detail::exchange_terms;
using plait::tcp_options;
using blob_type = std::vector<std::byte>;

namespace {

blob_type some_blob(std::size_t size = 128, unsigned salt = 1) {
  blob_type blob(size);
  for (std::size_t i = 0; i < size; ++i) blob[i] = std::byte{static_cast<std::uint8_t>(i * 31 + salt)};
  return blob;
}

/// Collects what is said, from any thread.
struct log_book {
  std::mutex mutex;
  std::vector<std::string> lines;

  [[nodiscard]] tcp_options options(double deadline, double patience = 5) {
    tcp_options made;
    made.secret = "the job's secret";
    made.deadline_seconds = deadline;
    made.patience_seconds = patience;
    made.say = [this](const std::string& line) {
      const std::lock_guard lock{mutex};
      lines.push_back(line);
    };
    return made;
  }
  [[nodiscard]] int count(std::string_view words) {
    const std::lock_guard lock{mutex};
    return static_cast<int>(
        std::count_if(lines.begin(), lines.end(), [&](const auto& line) { return line.find(words) != line.npos; }));
  }
};

exchange_terms terms_of(int size, const tcp_options& options, std::size_t blob_bytes = 128) {
  return {size, blob_bytes, "job 1", options.secret};
}

/// What a call throws, or nothing.
std::string thrown_by(const std::function<void()>& call) {
  try {
    call();
  } catch (const plait::error& wrong) {
    return std::string{name_of(wrong.kind())} + ": " + wrong.sentence();
  }
  return "";
}

double seconds_of(const std::function<void()>& call) {
  const auto begin = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// A client that says what it likes.
class raw_line {
 public:
  explicit raw_line(int port) {
    auto found = detail::resolve("127.0.0.1", port, detail::after_seconds(5));
    line_ = std::move(detail::connect_within(found.front(), detail::after_seconds(5)).first);
  }
  bool say(std::span<const std::byte> what) const {
    return detail::write_all(line_.native(), what, detail::after_seconds(5)) == 0;
  }
  bool say(std::string_view what) const { return say(detail::bytes_of(what)); }
  /// What comes until `size` bytes are there or the other side closes.
  [[nodiscard]] blob_type hear(std::size_t size) const {
    blob_type heard;
    std::byte one{};
    while (heard.size() < size && detail::read_all(line_.native(), {&one, 1}, detail::after_seconds(5)) == 0)
      heard.push_back(one);
    return heard;
  }

 private:
  detail::owned_socket line_;
};

/// A giver on a free port of this machine; `meanwhile(port)`; then takers in threads of their own, from rank `first`
/// on. Returns what the giver throws.
std::string exchange_after(int size, const tcp_options& options, const std::function<void(int)>& meanwhile,
                           int first = 1) {
  const blob_type blob = some_blob();
  plait::tcp_giver giver{"127.0.0.1", 0, options.deadline_seconds};
  const exchange_terms terms = terms_of(size, options);
  std::string thrown;
  std::thread serving{[&] { thrown = thrown_by([&] { giver.give(terms, blob, options); }); }};
  meanwhile(giver.port());
  std::atomic<int> right{0};
  std::vector<std::thread> takers;
  for (int rank = first; rank < size; ++rank) {
    takers.emplace_back([&, rank] {
      blob_type got(blob.size());
      const std::string wrong =
          thrown_by([&] { plait::tcp_take("127.0.0.1", giver.port(), rank, terms, got, options); });
      if (wrong.empty() && got == blob) ++right;
    });
  }
  for (std::thread& one : takers) one.join();
  serving.join();
  CHECK(right == size - first);
  return thrown;
}

}  // namespace

TEST_CASE("SHA-256 and its keyed form give the published digests") {
  const auto hex = [](const detail::sha256_digest& whole) {
    std::string text;
    for (const std::byte one : whole) {
      text += "0123456789abcdef"[std::to_integer<unsigned>(one) >> 4];
      text += "0123456789abcdef"[std::to_integer<unsigned>(one) & 15];
    }
    return text;
  };
  using detail::bytes_of;
  // FIPS 180-2, appendix B, and a million times "a".
  CHECK(hex(detail::sha256{}.end()) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hex(detail::sha256{}.add(bytes_of("abc")).end()) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hex(detail::sha256{}.add(bytes_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")).end()) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(hex(detail::sha256{}.add(bytes_of(std::string(1000000, 'a'))).end()) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  // RFC 4231, test cases 1, 2 and 6.
  CHECK(hex(detail::keyed_digest(bytes_of(std::string(20, '\x0b')), {bytes_of("Hi There")})) ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(hex(detail::keyed_digest(bytes_of("Jefe"), {bytes_of("what do ya want "), bytes_of("for nothing?")})) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hex(detail::keyed_digest(bytes_of(std::string(131, '\xaa')),
                                 {bytes_of("Test Using Larger Than Block-Size Key - Hash Key First")})) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_CASE("every rank gets what rank 0 has, over IPv4, IPv6 and by name") {
  log_book book;
  for (const char* host : {"127.0.0.1", "::1", "localhost"}) {
    CAPTURE(host);
    const tcp_options options = book.options(20);
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{128}, std::size_t{100000}}) {
      const blob_type blob = some_blob(bytes);
      plait::tcp_giver giver{host, 0, 20};
      const exchange_terms terms = terms_of(9, options, bytes);
      std::vector<blob_type> got(9, blob_type(bytes));
      std::vector<std::thread> takers;
      for (int rank = 1; rank < 9; ++rank)
        takers.emplace_back([&, rank] {
          plait::tcp_take(host, giver.port(), rank, terms, got[static_cast<std::size_t>(rank)], options);
        });
      giver.give(terms, blob, options);
      for (std::thread& one : takers) one.join();
      for (std::size_t rank = 1; rank < 9; ++rank) CHECK(got[rank] == blob);
    }
  }
  CHECK(book.lines.empty());
}

TEST_CASE("ranks that come before rank 0 listens try again until it does, and nothing listens afterwards") {
  log_book book;
  const tcp_options options = book.options(20);
  const int port = plait::tcp_giver{"127.0.0.1", 0, 1}.port();  // free again
  std::vector<blob_type> blobs(3, blob_type(128));
  blobs[0] = some_blob();
  std::vector<std::thread> ranks;
  for (int rank = 2; rank >= 0; --rank) {
    ranks.emplace_back([&, rank] {
      plait::launch_place place;
      place.rank = rank;
      place.size = 3;
      place.address = "127.0.0.1";
      place.port = port;
      place.job = "job 1";
      plait::tcp_exchange(place, blobs[static_cast<std::size_t>(rank)], options);
    });
    if (rank == 1) std::this_thread::sleep_for(std::chrono::milliseconds{150});
  }
  for (std::thread& one : ranks) one.join();
  CHECK(blobs[1] == some_blob());
  CHECK(blobs[2] == some_blob());
  const auto late = detail::connect_within(detail::resolve("127.0.0.1", port, detail::after_seconds(5)).front(),
                                           detail::after_seconds(5));
  CHECK(late.second == ECONNREFUSED);
}

TEST_CASE("one rank alone exchanges with nobody, and a place that tells too little is refused") {
  blob_type blob = some_blob();
  plait::launch_place place;
  plait::tcp_exchange(place, blob);
  CHECK(blob == some_blob());
  place.size = 2;
  CHECK(thrown_by([&] { plait::tcp_exchange(place, blob); }).find("usage: nothing tells where rank 0 is") == 0);
  place.address = "127.0.0.1";
  CHECK(thrown_by([&] { plait::tcp_exchange(place, blob); }).find("usage: nothing tells on which port") == 0);
}

TEST_CASE("a process of another job, secret or version is refused, told why, and the job goes on") {
  log_book book;
  const tcp_options options = book.options(20);
  std::string by_secret, by_job;
  CHECK(exchange_after(3, options, [&](int port) {
          tcp_options stranger = book.options(0.3);
          blob_type got(128);
          stranger.secret = "guessed";
          by_secret = thrown_by([&] { plait::tcp_take("127.0.0.1", port, 1, terms_of(3, stranger), got, stranger); });
          stranger.secret = options.secret;
          exchange_terms stale = terms_of(3, stranger);
          stale.job = "job 0";
          by_job = thrown_by([&] { plait::tcp_take("127.0.0.1", port, 1, stale, got, stranger); });
          CHECK(got == blob_type(128));
          // A later version of the protocol.
          const raw_line later{port};
          blob_type claim = later.hear(detail::greeting_bytes);
          claim.resize(detail::claim_bytes);
          detail::put_u32(&claim[8], 2);
          CHECK(later.say(claim));
          const blob_type answer = later.hear(1000);
          REQUIRE(answer.size() == detail::answer_bytes);
          CHECK(detail::get_u32(&answer[12]) == static_cast<std::uint32_t>(detail::verdict::other_version));
        }) == "");
  CHECK(by_secret.find("comm: rank 1 got nothing from rank 0 within 0.3 s; at 127.0.0.1:") == 0);
  CHECK(by_secret.find("it refuses: it has another secret") != std::string::npos);
  CHECK(by_job.find("it refuses: it is of another job than 'job 0'") != std::string::npos);
  CHECK(book.count("it does not know this job's secret") >= 1);
  CHECK(book.count("it is of another job than 'job 1'") >= 1);
  CHECK(book.count("it speaks version 2") + book.count("refuses more, not shown") >= 1);
}

TEST_CASE("a rank of this job that can never be accepted is told so at once") {
  log_book book;
  const tcp_options options = book.options(20);
  const double took = seconds_of([&] {
    CHECK(exchange_after(
              3, options,
              [&](int port) {
                blob_type got(128), small(64);
                const auto take = [&](int rank, int size, blob_type& into) {
                  return thrown_by([&] {
                    plait::tcp_take("127.0.0.1", port, rank, terms_of(size, options, into.size()), into, options);
                  });
                };
                CHECK(take(1, 4, got).find("it counts 3 ranks and this process 4; start all ranks alike") !=
                      std::string::npos);
                CHECK(take(1, 3, small).find("it gives 128 bytes and this process expects 64") != std::string::npos);
                CHECK(take(0, 3, got).find("it has no place for rank 0") != std::string::npos);
                CHECK(take(3, 3, got).find("it has no place for rank 3") != std::string::npos);
                CHECK(take(1, 3, got) == "");
                CHECK(got == some_blob());
                const std::string second = take(1, 3, got);
                CHECK(second.find("usage: rank 1 asked rank 0 at 127.0.0.1:") == 0);
                CHECK(second.find("another process came as rank 1 before this one") != std::string::npos);
              },
              2) == "");
  });
  CHECK(took < 10);
}

TEST_CASE("clients that say nothing, too little, too much or something else hold nobody up") {
  log_book book;
  const tcp_options options = book.options(20, 0.5);
  std::vector<raw_line> silent;
  const double took = seconds_of([&] {
    CHECK(exchange_after(4, options, [&](int port) {
            for (int i = 0; i < 20; ++i) silent.emplace_back(port);  // half-open for as long as the exchange lasts
            for (int i = 0; i < 200; ++i) raw_line{port};            // a port scan
            const raw_line web{port};
            CHECK(web.say("GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: " + std::string(200, 'x') + "\r\n\r\n"));
            // A claim that is right, and one byte more.
            const raw_line talkative{port};
            detail::taker_side side;
            auto claim = side.claim(talkative.hear(detail::greeting_bytes), 1, terms_of(4, options), {});
            REQUIRE(claim);
            blob_type longer{claim->begin(), claim->end()};
            longer.push_back(std::byte{0});
            CHECK(talkative.say(longer));
            const auto answer = side.read(talkative.hear(1000), terms_of(4, options));
            REQUIRE(answer);
            CHECK(answer->answer == detail::verdict::too_long);
            // Half of a claim, and then nothing more; the other half would come one byte at a time.
            const raw_line slow{port};
            claim = side.claim(slow.hear(detail::greeting_bytes), 1, terms_of(4, options), {});
            REQUIRE(claim);
            CHECK(slow.say(std::span{*claim}.first(70)));
            std::thread drip{[&] {
              for (std::size_t at = 70; at < claim->size() && slow.say(std::span{*claim}.subspan(at, 1)); ++at)
                std::this_thread::sleep_for(std::chrono::milliseconds{50});
            }};
            drip.join();
          }) == "");
  });
  CHECK(took < 10);
  CHECK(book.count("refused") == 8);
  CHECK(book.count("refuses more, not shown") == 1);
}

TEST_CASE("more connections than ranks are let go, oldest first, and the ranks come through") {
  log_book book;
  const tcp_options options = book.options(20, 15);  // so long that patience alone would not help
  std::vector<raw_line> crowd;
  const double took = seconds_of([&] {
    CHECK(exchange_after(2, options, [&](int port) {
            for (int i = 0; i < 300; ++i) crowd.emplace_back(port);
          }) == "");
  });
  CHECK(took < 10);
  CHECK(book.count("too many others came after it") >= 1);
}

TEST_CASE("a rank that goes after its claim may come again, and one that is being served keeps others out") {
  log_book book;
  const tcp_options options = book.options(20, 0.5);
  std::vector<raw_line> held;  // has the blob, and neither confirms nor goes
  CHECK(exchange_after(2, options, [&](int port) {
          const exchange_terms terms = terms_of(2, options);
          const auto claim_on = [&](const raw_line& line) {
            detail::taker_side side;
            const auto claim = side.claim(line.hear(detail::greeting_bytes), 1, terms, {});
            REQUIRE(claim);
            CHECK(line.say(*claim));
            const blob_type head = line.hear(detail::answer_bytes);
            const auto found = side.read(head, terms);
            REQUIRE(found);
            return found->answer;
          };
          {
            const raw_line first{port};
            CHECK(claim_on(first) == detail::verdict::accepted);
            const raw_line second{port};
            CHECK(claim_on(second) == detail::verdict::being_served);
          }  // the first goes without having confirmed
          std::this_thread::sleep_for(std::chrono::milliseconds{50});
          held.emplace_back(port);
          CHECK(claim_on(held.back()) == detail::verdict::accepted);
        }) == "");
  CHECK(book.count("rank 1 is just being served") >= 1);
}

TEST_CASE("what was said once is of no use a second time, and the secret is in none of it") {
  log_book book;
  const tcp_options options = book.options(20);
  blob_type recorded, heard;
  CHECK(exchange_after(3, options, [&](int port) {
          detail::taker_side side;
          const raw_line line{port};
          heard = line.hear(detail::greeting_bytes);
          const auto claim = side.claim(heard, 1, terms_of(3, options), detail::fresh_number());
          REQUIRE(claim);
          recorded.assign(claim->begin(), claim->end());
          CHECK(line.say(recorded));
          const blob_type answer = line.hear(detail::answer_bytes + 128);
          CHECK(side.authentic(std::span{answer}.first(detail::answer_bytes),
                               std::span{answer}.subspan(detail::answer_bytes), terms_of(3, options)));
          heard.insert(heard.end(), answer.begin(), answer.end());
          const raw_line again{port};
          CHECK(again.hear(detail::greeting_bytes) != blob_type{heard.begin(), heard.begin() + detail::greeting_bytes});
          CHECK(again.say(recorded));
          const auto found = side.read(again.hear(1000), terms_of(3, options));
          REQUIRE(found);
          CHECK(found->answer == detail::verdict::other_secret);
        }) == "");
  for (const blob_type& all : {recorded, heard}) {
    const std::string text{reinterpret_cast<const char*>(all.data()), all.size()};
    CHECK(text.find(options.secret) == std::string::npos);
    CHECK(text.find("job 1") == std::string::npos);
  }
}

TEST_CASE("a taker believes no giver that does not know the secret, changes a byte or speaks otherwise") {
  log_book book;
  const tcp_options options = book.options(0.5, 0.3);
  const exchange_terms terms = terms_of(2, options);
  // Each: what the impostor answers to a claim.
  const blob_type blob = some_blob();
  exchange_terms other = terms;
  other.secret = "another";
  const auto with_changed = [&](const detail::giver_side& side, std::size_t at) {
    blob_type answer = side.answer(detail::verdict::accepted, terms, blob);
    answer[at] ^= std::byte{1};
    return answer;
  };
  using answering = std::function<blob_type(detail::giver_side&)>;
  const std::vector<std::pair<const char*, answering>> impostors{
      {"does not know this job's secret",
       [&](detail::giver_side& side) { return side.answer(detail::verdict::accepted, other, blob); }},
      {"does not know this job's secret",
       [&](detail::giver_side& side) { return with_changed(side, detail::answer_bytes + 5); }},
      {"does not know this job's secret", [&](detail::giver_side& side) { return with_changed(side, 40); }},
      {"is no rank of plait", [&](detail::giver_side& side) { return with_changed(side, 0); }},
      {"is no rank of plait", [&](detail::giver_side& side) { return with_changed(side, 15); }},
      {"it did not answer", [&](detail::giver_side&) { return blob_type(7); }},
      {"it refuses: another process came",  // not proved, so not believed either: it tries until the deadline
       [&](detail::giver_side& side) { return side.answer(detail::verdict::rank_taken, other, {}); }},
  };
  for (const auto& [words, answer_of] : impostors) {
    CAPTURE(std::string{words});
    detail::owned_socket listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    detail::endpoint here = detail::resolve("127.0.0.1", 0, detail::after_seconds(1)).front();
    REQUIRE(::bind(listener.native(), here.native(), here.length) == 0);
    REQUIRE(::listen(listener.native(), 16) == 0);
    REQUIRE(::getsockname(listener.native(), here.native(), &here.length) == 0);
    std::atomic<bool> over{false};
    std::thread posing{[&] {
      while (!over) {
        if (!detail::wait_until_ready(listener.native(), POLLIN, detail::after_seconds(0.05))) continue;
        const detail::owned_socket line{::accept4(listener.native(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
        detail::giver_side side{detail::fresh_number()};
        blob_type claim(detail::claim_bytes);
        if (detail::write_all(line.native(), side.greeting(), detail::after_seconds(1)) != 0) continue;
        if (detail::read_all(line.native(), claim, detail::after_seconds(1)) != 0) continue;
        CHECK(side.judge(claim, terms));
        static_cast<void>(detail::write_all(line.native(), answer_of(side), detail::after_seconds(1)));
      }
    }};
    blob_type got(128);
    const std::string wrong = thrown_by([&] { plait::tcp_take("127.0.0.1", here.port(), 1, terms, got, options); });
    CHECK(wrong.find("comm: rank 1 got nothing from rank 0 within 0.5 s") == 0);
    INFO(wrong);
    CHECK(wrong.find(words) != std::string::npos);
    CHECK(got == blob_type(128));
    over = true;
    posing.join();
  }
}

TEST_CASE("nothing lasts past the deadline: ranks that do not come, rank 0 that is not there or says nothing") {
  log_book book;
  const tcp_options options = book.options(0.4);
  const blob_type blob = some_blob();
  std::string wrong;
  double took = seconds_of([&] {
    plait::tcp_giver giver{"127.0.0.1", 0, 0.4};
    wrong = thrown_by([&] { giver.give(terms_of(20, options), blob, options); });
  });
  CHECK(wrong.find("comm: ranks 1, 2, 3, 4, 5, 6, 7, 8 and 11 more of 20 did not come to rank 0 at 127.0.0.1:") == 0);
  CHECK(wrong.find("within 0.4 s") != std::string::npos);
  CHECK(took < 2);

  const int port = plait::tcp_giver{"127.0.0.1", 0, 1}.port();
  blob_type got(128);
  took = seconds_of(
      [&] { wrong = thrown_by([&] { plait::tcp_take("127.0.0.1", port, 7, terms_of(9, options), got, options); }); });
  CHECK(wrong == "comm: rank 7 got nothing from rank 0 within 0.4 s; at 127.0.0.1:" + std::to_string(port) +
                     ": nobody listens there");
  CHECK(took < 2);

  // The system takes the connection, and nobody ever speaks.
  const plait::tcp_giver mute{"127.0.0.1", 0, 1};
  took = seconds_of([&] {
    wrong = thrown_by([&] { plait::tcp_take("127.0.0.1", mute.port(), 7, terms_of(9, options), got, options); });
  });
  CHECK(wrong.find("what listens there does not greet: Connection timed out") != std::string::npos);
  CHECK(took < 2);
}

TEST_CASE("an address of another machine, a port that is taken and a host that is none are named") {
  const std::string elsewhere = thrown_by([] { plait::tcp_giver{"192.0.2.1", 0, 0.2}; });
  CHECK(elsewhere.find("comm: rank 0 cannot listen at 192.0.2.1:0") == 0);
  CHECK(elsewhere.find("rank 0 must run on the machine that has the address") != std::string::npos);
  const plait::tcp_giver first{"127.0.0.1", 0, 1};
  const std::string taken = thrown_by([&] { plait::tcp_giver{"127.0.0.1", first.port(), 0.2}; });
  CHECK(taken.find("Address already in use; choose another port") != std::string::npos);
  const std::string nobody = thrown_by([] { plait::tcp_giver{"no-such-host.invalid", 1, 5}; });
  CHECK(nobody.find("no-such-host.invalid") != std::string::npos);
}

TEST_CASE("a port that is about to be free is waited for") {
  auto before = std::make_unique<plait::tcp_giver>("127.0.0.1", 0, 1);
  const int port = before->port();
  std::thread ending{[&] {
    std::this_thread::sleep_for(std::chrono::milliseconds{200});
    before.reset();
  }};
  const plait::tcp_giver after{"127.0.0.1", port, 10};
  CHECK(after.port() == port);
  ending.join();
}

TEST_CASE("no bytes make either side accept what it should not, or read outside: 50000 messages made at random") {
  std::mt19937 random{5};
  const exchange_terms terms{4, 16, "job", "secret"};
  const blob_type blob = some_blob(16);
  int refused = 0, foreign = 0;
  for (int round = 0; round < 50000; ++round) {
    detail::giver_side giver{detail::number_used_once{std::byte{static_cast<std::uint8_t>(round)}}};
    detail::taker_side taker;
    auto right = taker.claim(giver.greeting(), 1 + round % 3, terms, {});
    blob_type claim{right->begin(), right->end()};
    const auto kind = random() % 4;
    if (kind == 0) claim.resize(random() % 300);
    for (auto changes = 1 + random() % 3; !claim.empty() && changes > 0; --changes) {
      const std::size_t at = kind == 1 ? random() % std::min<std::size_t>(24, claim.size()) : random() % claim.size();
      claim[at] ^= std::byte{static_cast<std::uint8_t>(1 + random() % 255)};
    }
    if (std::equal(claim.begin(), claim.end(), right->begin(), right->end())) continue;  // changed back
    const auto found = giver.judge(claim, terms);
    if (found && found->answer == detail::verdict::accepted) FAIL("a changed claim was accepted");
    ++(found ? refused : foreign);

    if (!giver.judge(*right, terms)) FAIL("a right claim was refused");
    blob_type answer = giver.answer(detail::verdict::accepted, terms, blob);
    if (kind == 0) answer.resize(random() % 200);
    if (!answer.empty()) answer[random() % answer.size()] ^= std::byte{static_cast<std::uint8_t>(1 + random() % 255)};
    const std::size_t cut = std::min(answer.size(), detail::answer_bytes);
    const auto head = std::span{answer}.first(cut), rest = std::span{answer}.subspan(cut);
    const auto read = taker.read(head, terms);
    if (read && read->answer == detail::verdict::accepted && taker.authentic(head, rest, terms))
      FAIL("a changed answer was believed");
    if (read && read->authentic) FAIL("a refusal that was not made was believed");
  }
  CHECK(refused > 1000);
  CHECK(foreign > 1000);
}
