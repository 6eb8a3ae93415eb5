// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include <plait/checkpoint/json.hpp>
#include <plait/checkpoint/parse_json.hpp>

#include <doctest/doctest.h>

#include "data/scratch.hpp"
#include "refused.hpp"

namespace plait {
namespace {

using namespace plait::testing;

json read(std::string_view text) {
  return parse_json(text, "text");
}

TEST_CASE("values of all kinds are read as RFC 8259 says, and written as they were read") {
  for (const std::string_view text :
       {"null", "true", "false", "0", "-1", "12.5", "-0.001", R"("")", R"("a b")", "[]", "{}", "[1,[2,[]],{}]",
        R"({"a":1,"b":{"c":[true,null,"x"]}})", R"("\u0001\"\\/")", "\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x99\x82\""})
    CHECK(read(text).to_text() == text);
  CHECK(read(" [ 1 ,\t{ \"a\" :\r\n2 } ] ").to_text() == R"([1,{"a":2}])");
  CHECK(*read(R"("\b\f\n\r\t\/\u00e4\u20ac\ud83d\ude42")").string() ==
        "\b\f\n\r\t/\xc3\xa4\xe2\x82\xac\xf0\x9f\x99\x82");
  CHECK(*read("1e3").real_number() == 1000);
  CHECK(*read("0.1").real_number() == 0.1);
  CHECK(read("{\"a\": 1, \"b\": 2}").find("b")->integer() != nullptr);
  CHECK(read("{\"a\": 1}").find("c") == nullptr);
  CHECK(read("[1]").find("a") == nullptr);
}

TEST_CASE("whole numbers of 64 bits stay exact; larger ones and fractions become doubles") {
  CHECK(*read("9223372036854775807").integer() == std::numeric_limits<std::int64_t>::max());
  CHECK(*read("-9223372036854775808").integer() == std::numeric_limits<std::int64_t>::min());
  CHECK(*read("9223372036854775808").real_number() == 9223372036854775808.0);
  CHECK(read("1.0").integer() == nullptr);
  CHECK(json{1.0}.to_text() == "1.0");
  CHECK(json{0.1 + 0.2}.to_text() == "0.30000000000000004");
  check_refused(error_kind::usage, {"not finite"}, [] { (void)json{HUGE_VAL}.to_text(); });
}

TEST_CASE("text is indented by lines where that is asked for") {
  const json value = json::object{{"a", 1}, {"b", json::array{true, "x"}}, {"c", json::object{}}};
  CHECK(value.to_text(2) == "{\n  \"a\": 1,\n  \"b\": [\n    true,\n    \"x\"\n  ],\n  \"c\": {}\n}");
  CHECK(read(value.to_text(2)) == value);
}

TEST_CASE("what is not JSON is refused, with the byte at which it is wrong") {
  const auto refused = [](std::string_view text, const std::string& words) {
    CAPTURE(text);
    check_refused(error_kind::io, {"text is not JSON", words}, [&] { read(text); });
  };
  refused("", "ends where a value should be at byte 0");
  refused("nul", "no value at byte 0");
  refused("truE", "no value at byte 0");
  refused("01", "something follows its value at byte 1");
  refused("1 2", "something follows its value at byte 2");
  refused("-", "no value at byte 1");
  refused("1.", "ends in its point at byte 2");
  refused("1e+", "no exponent at byte 3");
  refused("1e999", "out of range");
  refused(".5", "no value at byte 0");
  refused("+1", "no value at byte 0");
  refused("NaN", "no value at byte 0");
  refused("[1,]", "no value at byte 3");
  refused("[1 2]", "an array goes on without a comma at byte 3");
  refused("[1", "an array goes on without a comma at byte 2");
  refused("{\"a\":1 \"b\":2}", "an object goes on without a comma at byte 7");
  refused("{\"a\"}", "a member has no value at byte 4");
  refused("{a:1}", "a member has no name at byte 1");
  refused("{\"a\":1,}", "a member has no name at byte 7");
  refused(R"({"a":1,"b":2,"a":3})", "a name stands twice");
  refused(R"({"a":1,"\u0061":3})", "a name stands twice");
  refused("\"abc", "ends in a string at byte 4");
  refused("\"a\nb\"", "a control character at byte 2");
  refused(R"("\x")", "an escape that there is not at byte 2");
  refused(R"("\u12")", "four hexadecimal digits");
  refused(R"("\u12g4")", "four hexadecimal digits");
  refused(R"("\ud83d")", "half a surrogate pair");
  refused(R"("\ud83d\u0041")", "half a surrogate pair");
  refused(R"("\ude42")", "half a surrogate pair");
  for (const std::string_view bytes :
       {"\"\x80\"", "\"\xc0\xaf\"", "\"\xe0\x80\xaf\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"",
        "\"\xf5\x80\x80\x80\"", "\"\xc3\"", "\"\xe2\x82\"", "\"\xf0\x80\x80\x80\"", "\"\xff\""})
    refused(bytes, "is not UTF-8");
}

TEST_CASE("64 arrays in each other are read, and 65 are refused, however many follow") {
  CHECK_NOTHROW(read(std::string(64, '[') + std::string(64, ']')));
  for (const std::size_t depth : {std::size_t{65}, std::size_t{1000000}})
    check_refused(error_kind::io, {"nested deeper than 64"}, [&] { read(std::string(depth, '[')); });
}

}  // namespace
}  // namespace plait
